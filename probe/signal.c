/*
 * Level 3: signals, when their receiver takes them.
 */
#define SIGNAL_CHILD 17
#define SIGNAL_FROM_USER 0
#define SIGNAL_FROM_QUEUE (-1)
#define SIGNAL_FROM_TKILL (-6)

/* Who sent it, 0 when the kernel did. All kinds that have a sender keep it in the same place. */
static __always_inline s64 signal_sender(u64 info, u32 signal)
{
	s32 code;

	/* small numbers stand for "from the kernel" and "nothing is known" */
	if (info < 2)
		return 0;
	code = base_get(info, struct kernel_siginfo, si_code);
	if (code != SIGNAL_FROM_USER && code != SIGNAL_FROM_QUEUE && code != SIGNAL_FROM_TKILL &&
	    signal != SIGNAL_CHILD)
		return 0;
	return base_get(info, struct kernel_siginfo, _sifields._kill._pid);
}

/* spid dpid sig */
int on_signal_deliver(struct bpf_raw_tracepoint_args *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct scratch *s = base_scratch();

	if (!s || id >> 32 == TRACER_PID || !overhead_wants_event(EV_SIGNALDELIVER_E))
		return 0;
	process_fill(s, (void *)bpf_get_current_task());
	s->call.flags |= overhead_flag();
	store_begin(s, EV_SIGNALDELIVER_E, NPARAMS_SIGNALDELIVER_E);
	store_u64(s, signal_sender(ctx->args[1], ctx->args[0]));
	store_u64(s, (u32)id);
	store_u8(s, ctx->args[0]);
	store_send(s);
	return 0;
}
