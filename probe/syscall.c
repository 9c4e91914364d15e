/*
 * Level 3: entry and exit of every system call. Entry remembers the time; exit makes the record:
 * the commonest calls right here, the others in a handler program of their family.
 * Entries are looked at only with LATENCY: without, every call is cheaper.
 */

static __always_inline u64 syscall_clone_flags(u32 nr, const u64 *args)
{
	u64 flags = 0;

	if (nr == NATIVE_NR_VFORK)
		return NATIVE_CLONE_VM | NATIVE_CLONE_VFORK;
	if (nr == NATIVE_NR_CLONE)
		return args[0];
	if (nr == NATIVE_NR_CLONE3)
		base_read_user(&flags, sizeof(flags), (void *)args[0]);
	return flags;
}

/* syscall_in_flight: the number of the call the current task is in the midst of and its clone flags, NR_SKIP for one
 * of the 32-bit table. The registers can be asked for since 5.15; before, the entry has to be remembered. */
#ifdef FEATURE_TASK_REGISTERS

static void *(*syscall_task)(void) = (void *)BPF_FUNC_get_current_task_btf;
static u64 (*syscall_task_registers)(void *task) = (void *)BPF_FUNC_task_pt_regs;

static __always_inline void syscall_note_clone(struct slot *slot, u32 nr, u64 registers)
{
}

static __always_inline u32 syscall_in_flight(u64 *clone_flags)
{
	struct registers regs;
	u64 args[6];
	u32 nr;

	base_read_registers(&regs, syscall_task_registers(syscall_task()));
	if (base_is_compat(&regs))
		return NR_SKIP;
	nr = base_read_nr(&regs);
	base_read_args(&regs, args);
	*clone_flags = syscall_clone_flags(nr, args);
	return nr;
}

#else

static __always_inline bool syscall_is_clone(u32 nr)
{
	return nr == NATIVE_NR_CLONE || nr == NATIVE_NR_CLONE3 || nr == NATIVE_NR_VFORK ||
	       nr == NATIVE_NR_FORK;
}

static __always_inline void syscall_note_clone(struct slot *slot, u32 nr, u64 registers)
{
	struct registers regs;
	u64 args[6];

	if (!syscall_is_clone(nr))
		return;
	base_read_registers(&regs, registers);
	base_read_args(&regs, args);
	slot->clone_flags = syscall_clone_flags(nr, args);
}

static __always_inline u32 syscall_in_flight(u64 *clone_flags)
{
	struct slot *slot = slot_find((u32)bpf_get_current_pid_tgid());

	if (!slot || !slot->enter_ts)
		return NR_SKIP;
	*clone_flags = slot->clone_flags;
	return slot->nr;
}

#endif

/* A call that nothing is left of at its exit: the fd that close() closes is still there now, and a
 * thread that exits has no other event, or has one too late (death.c). */
static __always_inline bool syscall_is_last_chance(u32 nr)
{
#ifdef FEATURE_EARLY_DEATH
	return nr == NATIVE_NR_CLOSE;
#endif
	return nr == NATIVE_NR_CLOSE || nr == NATIVE_NR_EXIT || nr == NATIVE_NR_EXIT_GROUP;
}

static __always_inline u64 syscall_first_argument(u64 registers)
{
	struct registers regs;
	u64 args[6];

	base_read_registers(&regs, registers);
	base_read_args(&regs, args);
	return args[0];
}

static __always_inline void syscall_touch_at_entry(struct bpf_raw_tracepoint_args *ctx,
						   struct slot *slot, u64 id, u32 nr, u64 argument)
{
	u32 due = touch_is_thread_told(slot, id) ? 0 : TOUCH_THREAD;
	struct scratch *s = base_scratch();

	if (!s)
		return;
	if (nr == NATIVE_NR_CLOSE && !touch_is_fd_told(s, slot, id, id >> 32, argument))
		due |= 1;
	if (!due)
		return;
	s->call.args[0] = argument;
	s->call.ts = base_now();
	s->call.cgroup_id = slot_cgroup_id(slot, (u32)id);
	s->call.cpu = (u16)bpf_get_smp_processor_id();
	s->touch.due = due;
	s->touch.then = TOUCH_THEN_NOTHING;
	handlers.call(ctx, HANDLER_TOUCH);
}

/* Without LATENCY, at the entries of these calls alone: the record of such a tracepoint has the number of the call
 * and, from the third word on, its arguments. */
int on_last_chance(struct bpf_raw_tracepoint_args *ctx)
{
	u64 id = bpf_get_current_pid_tgid();

	if (id >> 32 != TRACER_PID)
		syscall_touch_at_entry(ctx, slot_find((u32)id), id, ((u32 *)ctx)[2], ctx->args[2]);
	return 0;
}

int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	u64 id;
	struct slot *slot;
	u32 nr = ctx->args[1];

	if (judge_skips_entry(nr))
		return 0;
	id = identity_of_call(ctx->args[0]);
	if (id >> 32 == TRACER_PID || overhead_skips_entry(nr, (u32)id))
		return 0;
	slot = slot_claim((u32)id);
	if (!slot) {
		struct counters *count = base_counters();

		if (count)
			count->slot_lost++;
		return 0;
	}
	syscall_note_clone(slot, nr, ctx->args[0]);
	slot->nr = nr;
	slot->enter_ts = base_now();
	if (syscall_is_last_chance(nr))
		syscall_touch_at_entry(ctx, slot, id, nr, syscall_first_argument(ctx->args[0]));
	return 0;
}

static __always_inline void syscall_store_generic(struct scratch *s, u16 ppm_sc, u32 nr)
{
	store_begin(s, EV_GENERIC_X, NPARAMS_GENERIC_X);
	store_sized(s, ppm_sc, 2);
	store_sized(s, nr, 2);
}

/* of a call without a plan, which is one of the 32-bit table or newer than the schema */
static __always_inline u16 syscall_name_alone(struct scratch *s)
{
	return s->call.flags & RECORD_FLAG_COMPAT32 ? s->call.type : 0;
}

/* a failed write shows what it was given, a failed read has nothing to show */
static __always_inline u64 syscall_data_length(struct scratch *s, struct plan *plan)
{
	if (s->call.ret > 0)
		return s->call.ret;
	return plan->handler == HANDLER_WRITE ? s->call.args[2] : 0;
}

/* read, write, pread, pwrite: res data fd size [pos], at fixed places for speed: a header with
 * four or five lengths, then `length` bytes of data between known sizes */
static __always_inline void syscall_store_io(struct scratch *s, struct plan *plan, u64 length)
{
	u64 limit = base_snaplen(s);
	u32 wanted = (length > limit ? limit : length) & COPY_MASK;
	u32 start = RECORD_HEADER_SIZE + 8 + (plan->detail ? 2 : 0);
	u8 *res = s->record + start;
	u8 *tail;

	if (wanted && store_read_user(s, res + 8, wanted, s->call.args[1])) {
		base_count_unreadable(s);
		wanted = 0;
	}
	store_begin(s, plan->type, plan->nparams);
	*(u64 *)(s->record + RECORD_HEADER_SIZE) = 8 | (u64)wanted << 16 | 8ULL << 32 | 4ULL << 48;
	*(u64 *)res = s->call.ret;
	tail = res + 8 + wanted;
	*(u64 *)tail = (s32)s->call.args[0];
	*(u32 *)(tail + 8) = s->call.args[2];
	s->pos = start + 8 + wanted + 12;
	if (plan->detail) {
		*(u16 *)(s->record + RECORD_HEADER_SIZE + 8) = 8;
		*(u64 *)(tail + 12) = s->call.args[3];
		s->pos += 8;
	}
}

static __always_inline void syscall_store_close(struct scratch *s)
{
	touch_fd_closed(s, s->call.pid, s->call.args[0]);
	store_begin(s, EV_SYSCALL_CLOSE_X, NPARAMS_SYSCALL_CLOSE_X);
	store_u64(s, s->call.ret);
	store_u64(s, (s32)s->call.args[0]);
}

/* A return from a signal's handler brings back the registers of what the signal interrupted, and leaves no number
 * of its own. A debugger that has a call not made takes the number away, too: its result is that there is no such
 * call. */
static __always_inline u32 syscall_without_number(const struct registers *regs, s64 result)
{
	return result == -NATIVE_ENOSYS || base_is_compat(regs) ? NR_SKIP : NATIVE_NR_RT_SIGRETURN;
}

/* What is remembered of the call that ends, and since when it lasted. A slot is needed without entries too: it
 * caches the cgroup, and tells that an exec was reported. */
static __always_inline struct slot *syscall_recall(struct scratch *s, u32 tid,
						   const struct registers *regs, u64 now)
{
	struct slot *slot = slot_find(tid);

	s->call.latency = 0;
	s->call.nr = base_read_nr(regs);
	if (!LATENCY && !slot)
		slot = slot_claim(tid);
	if (slot && slot->enter_ts) {
		s->call.nr = slot->nr;
		if (LATENCY)
			s->call.latency = now - slot->enter_ts;
		slot->enter_ts = 0;
	} else if (s->call.nr == NR_SKIP) {
		s->call.nr = syscall_without_number(regs, s->call.ret);
	}
	return slot;
}

/* what every record of a call needs */
static __always_inline void syscall_fill(struct scratch *s, struct slot *slot, u64 id, u64 now,
					 const struct registers *regs)
{
	s->call.cgroup_id = slot_cgroup_id(slot, (u32)id);
	s->call.ts = now;
	s->call.tid = (u32)id;
	s->call.pid = id >> 32;
	s->call.cpu = (u16)bpf_get_smp_processor_id();
	s->call.flags = 0;
	s->call.task = 0;
	s->transfer.item = 0;
	base_read_args(regs, s->call.args);
}

/* Whether the record was made right here. Without a plan only the name and the number are reported. */
static __always_inline bool syscall_store_common(struct scratch *s, struct plan *plan)
{
	u32 handler = plan ? plan->handler : HANDLER_GENERIC;

	if (handler == HANDLER_GENERIC)
		syscall_store_generic(s, plan ? plan->ppm_sc : syscall_name_alone(s), s->call.nr);
	else if (handler == HANDLER_CLOSE)
		syscall_store_close(s);
	else if (plan && (handler == HANDLER_READ || handler == HANDLER_WRITE))
		syscall_store_io(s, plan, syscall_data_length(s, plan));
	else if (plan && overhead_is_brief(s, plan))
		overhead_store_brief(s, plan);
	else
		return plan && handler == HANDLER_TRANSFER && connected_store(s, plan);
	return true;
}

static __always_inline bool syscall_is_told_elsewhere(struct scratch *s, struct plan *plan)
{
	return plan && !s->call.ret && plan->detail == DETAIL_TOLD_BEFORE;
}

/* make the record, here or in a handler */
static __always_inline void syscall_make(struct bpf_raw_tracepoint_args *ctx, struct scratch *s,
					 struct plan *plan)
{
	if (syscall_store_common(s, plan))
		store_send(s);
	else if (plan)
		handlers.call(ctx, plan->handler);
}

/* What has to be told or entered first. */
static __always_inline u32 syscall_due(struct scratch *s, struct slot *slot, struct plan *plan,
				       u64 id)
{
	u32 due = plan ? plan->touch : 0;

	if (due == TOUCH_FIRST && touch_has_bit(slot, id, id >> 32, s->call.args[0]))
		return 0;
	if (due & TOUCH_DUPLICATES)
		due = touch_of_command(due, s->call.args[1]);
	if (!touch_is_thread_told(slot, id))
		return due | TOUCH_THREAD;
	if (due == TOUCH_FIRST && touch_is_fd_told(s, slot, id, id >> 32, s->call.args[0]))
		return 0;
	return due;
}

/* does not come back when there is something to tell: the handler goes on with the record */
static __always_inline void syscall_tell(struct bpf_raw_tracepoint_args *ctx, struct scratch *s,
					 struct plan *plan, u32 due)
{
	if (!due)
		return;
	s->touch.due = due;
	s->touch.then = plan ? TOUCH_THEN_PLAN : TOUCH_THEN_GENERIC;
	handlers.call(ctx, HANDLER_TOUCH);
}

int on_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 now, id;
	struct plan *plan = NULL;
	struct slot *slot;
	struct registers regs;
	struct scratch *s;
	u32 nr;

	overhead_note_call();
	if (judge_skips_exit(ctx->args[0]))
		return 0;
	id = identity_of_call(ctx->args[0]);
	if (id >> 32 == TRACER_PID || overhead_skips_exit(ctx->args[0], (u32)id))
		return 0;
	s = base_scratch();
	if (!s)
		return 0;
	base_read_registers(&regs, ctx->args[0]);
	s->call.ret = ctx->args[1];
	now = base_now();
	slot = syscall_recall(s, id, &regs, now);
	nr = s->call.nr;
	if (nr == NR_SKIP)
		return 0;
	syscall_fill(s, slot, id, now, &regs);
	if (base_is_compat(&regs)) {
		plan = compat_translate(s, ctx->args[0]);
		if (!plan)
			touch_closed(id >> 32); /* it may have been a close() */
	} else {
		plan = plans.lookup(&nr);
	}
	if (syscall_is_told_elsewhere(s, plan) || !judge_wants(s, plan) || !overhead_wants(s, plan))
		return 0;
	syscall_tell(ctx, s, plan, syscall_due(s, slot, plan, id));
	syscall_make(ctx, s, plan);
	return 0;
}
