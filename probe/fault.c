/*
 * Level 3: page faults, looked at only when asked for. Only some architectures have the tracepoints.
 */
#define FAULT_PROTECTION (1 << 0)
#define FAULT_WRITE (1 << 1)
#define FAULT_USER (1 << 2)
#define FAULT_RESERVED (1 << 3)
#define FAULT_FETCH (1 << 4)

static __always_inline u32 fault_flags(u64 error)
{
	u32 flags = error & FAULT_PROTECTION ? PPM_PF_FLAGS_PROTECTION_VIOLATION
					     : PPM_PF_FLAGS_PAGE_NOT_PRESENT;

	flags |= error & FAULT_WRITE ? PPM_PF_FLAGS_WRITE_ACCESS : PPM_PF_FLAGS_READ_ACCESS;
	flags |= error & FAULT_USER ? PPM_PF_FLAGS_USER_FAULT : PPM_PF_FLAGS_SUPERVISOR_FAULT;
	if (error & FAULT_RESERVED)
		flags |= PPM_PF_FLAGS_RESERVED_PAGE;
	if (error & FAULT_FETCH)
		flags |= PPM_PF_FLAGS_INSTRUCTION_FETCH;
	return flags;
}

/* addr ip error */
static __always_inline int fault_report(struct bpf_raw_tracepoint_args *ctx)
{
	struct fixed f = {};

	if (bpf_get_current_pid_tgid() >> 32 == TRACER_PID ||
	    !overhead_wants_event(EV_PAGE_FAULT_E))
		return 0;
	fixed_begin(&f, EV_PAGE_FAULT_E, NPARAMS_PAGE_FAULT_E);
	fixed_add(&f, ctx->args[0], 8);
	fixed_add(&f, base_instruction(ctx->args[1]), 8);
	fixed_add(&f, fault_flags(ctx->args[2]), 4);
	fixed_send(&f);
	return 0;
}

int on_page_fault_user(struct bpf_raw_tracepoint_args *ctx)
{
	return fault_report(ctx);
}

int on_page_fault_kernel(struct bpf_raw_tracepoint_args *ctx)
{
	return fault_report(ctx);
}
