/*
 * Level 3: entry and exit of every system call. Entry remembers the time; exit makes the record:
 * the commonest calls right here, the others in a handler program of their family.
 */

/* Clone flags are taken at entry: the child is reported in the midst of the call, where the
 * registers are out of reach. */
static __always_inline u64 syscall_clone_flags(u32 nr, const struct pt_regs *user)
{
	struct pt_regs regs;
	u64 args[6], flags = 0;

	if (nr == NATIVE_NR_VFORK)
		return NATIVE_CLONE_VM | NATIVE_CLONE_VFORK;
	if (nr != NATIVE_NR_CLONE && nr != NATIVE_NR_CLONE3)
		return 0;
	bpf_probe_read_kernel(&regs, sizeof(regs), user);
	base_read_args(&regs, args);
	if (nr == NATIVE_NR_CLONE)
		return args[0];
	bpf_probe_read_user(&flags, sizeof(flags), (void *)args[0]);
	return flags;
}

int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct slot *slot;
	u32 nr;

	if (id >> 32 == TRACER_PID)
		return 0;
	slot = slot_claim((u32)id);
	if (!slot) {
		struct counters *count = base_counters();

		if (count)
			count->slot_lost++;
		return 0;
	}
	nr = ctx->args[1];
	if (nr == NATIVE_NR_CLONE || nr == NATIVE_NR_CLONE3 || nr == NATIVE_NR_VFORK ||
	    nr == NATIVE_NR_FORK)
		slot->clone_flags = syscall_clone_flags(nr, (void *)ctx->args[0]);
	slot->nr = nr;
	slot->enter_ts = bpf_ktime_get_boot_ns();
	return 0;
}

static __always_inline void syscall_store_generic(struct scratch *s, u16 ppm_sc, u32 nr)
{
	store_begin(s, EV_GENERIC_X, NPARAMS_GENERIC_X);
	store_sized(s, ppm_sc, 2);
	store_sized(s, nr, 2);
	store_send(s);
}

/* read, pread: res data fd size [pos] */
static __always_inline void syscall_store_read(struct scratch *s, struct plan *plan)
{
	s64 ret = s->call.ret;

	store_begin(s, plan->type, plan->nparams);
	store_u64(s, ret);
	store_user_bytes(s, s->call.args[1], ret > 0 ? ret : 0);
	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, s->call.args[2]);
	if (plan->detail)
		store_u64(s, s->call.args[3]);
	store_send(s);
}

/* write, pwrite: res data fd size [pos]; a failed call shows what it was given */
static __always_inline void syscall_store_write(struct scratch *s, struct plan *plan)
{
	s64 ret = s->call.ret;

	store_begin(s, plan->type, plan->nparams);
	store_u64(s, ret);
	store_user_bytes(s, s->call.args[1], ret > 0 ? ret : s->call.args[2]);
	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, s->call.args[2]);
	if (plan->detail)
		store_u64(s, s->call.args[3]);
	store_send(s);
}

static __always_inline void syscall_store_close(struct scratch *s)
{
	store_begin(s, EV_SYSCALL_CLOSE_X, NPARAMS_SYSCALL_CLOSE_X);
	store_u64(s, s->call.ret);
	store_u64(s, (s32)s->call.args[0]);
	store_send(s);
}

/* what every record of a call needs; false when the call is not to be reported */
static __always_inline bool syscall_fill(struct scratch *s, u64 id, const struct pt_regs *regs)
{
	struct slot *slot = slot_find((u32)id);
	u64 now = bpf_ktime_get_boot_ns();
	u32 nr = base_read_nr(regs);

	s->call.latency = 0;
	if (slot) {
		s->call.clone_flags = slot->clone_flags;
		if (slot->enter_ts) {
			s->call.latency = now - slot->enter_ts;
			nr = slot->nr;
		}
		slot->enter_ts = 0;
	}
	if (nr == NR_SKIP)
		return false;
	s->call.cgroup_id = slot_cgroup_id(slot, (u32)id);
	s->call.ts = now + CLOCK_OFFSET;
	s->call.tid = (u32)id;
	s->call.pid = id >> 32;
	s->call.cpu = (u16)bpf_get_smp_processor_id();
	s->call.flags = 0;
	s->call.nr = nr;
	s->call.task = 0;
	s->transfer.item = 0;
	base_read_args(regs, s->call.args);
	return true;
}

int on_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct pt_regs regs;
	struct scratch *s;
	struct plan *plan;
	u32 nr;

	if (id >> 32 == TRACER_PID)
		return 0;
	s = base_scratch();
	if (!s)
		return 0;
	bpf_probe_read_kernel(&regs, sizeof(regs), (void *)ctx->args[0]);
	s->call.ret = ctx->args[1];
	if (!syscall_fill(s, id, &regs))
		return 0;
	nr = s->call.nr;
	if (base_is_compat(&regs)) {
		/* numbers of the 32-bit table mean other calls: only the number is reported */
		s->call.flags = RECORD_FLAG_COMPAT32;
		syscall_store_generic(s, 0, nr);
		return 0;
	}
	plan = plans.lookup(&nr);
	if (!plan) {
		syscall_store_generic(s, 0, nr);
		return 0;
	}
	if (plan->drop || (!s->call.ret && plan->detail == DETAIL_TOLD_BEFORE))
		return 0;
	if (plan->handler == HANDLER_READ)
		syscall_store_read(s, plan);
	else if (plan->handler == HANDLER_WRITE)
		syscall_store_write(s, plan);
	else if (plan->handler == HANDLER_CLOSE)
		syscall_store_close(s);
	else if (plan->handler == HANDLER_GENERIC)
		syscall_store_generic(s, plan->ppm_sc, nr);
	else
		handlers.call(ctx, plan->handler);
	return 0;
}
