/*
 * Level 3: the end of a task: its exit status and who inherits its children.
 */
#define REAPER_SEARCH_MAX 16
#define SIGNAL_MASK 0x7f
#define CORE_BIT 0x80

static __always_inline bool death_has_children(void *task)
{
	return (const void *)base_get(task, struct task_struct, children.next) !=
	       (const void *)base_at(task, struct task_struct, children);
}

/* is_child_subreaper is the first bit behind the member named here */
static __always_inline bool death_is_subreaper(void *signal)
{
#ifdef FEATURE_SIGNAL_CORE_STATE
	u32 at = offsetof(struct signal_struct, core_state) + sizeof(void *);
#else
	u32 at = offsetof(struct signal_struct, flags) + sizeof(u32);
#endif
	u8 bits = 0;

	base_read_kernel(&bits, sizeof(bits), (char *)signal + at);
	return bits & 1;
}

static __always_inline void *death_namespace(void *task)
{
	void *pid = base_get(task, struct task_struct, thread_pid);
	u32 level = base_get(pid, struct pid, level) & 31;
	struct upid number = {};

	base_read_kernel(&number, sizeof(number),
			 base_at(pid, struct pid, numbers) + level * sizeof(number));
	return number.ns;
}

/* whoever becomes the parent of the children: a living thread of the same process, the nearest
 * ancestor that asked for it, or the init of the pid namespace; 0 without children */
static __always_inline s64 death_reaper(void *task)
{
	void *signal = base_get(task, struct task_struct, signal);
	void *leader = base_get(task, struct task_struct, group_leader);
	void *ancestor = task;

	if (!death_has_children(task))
		return 0;
	if (base_get(signal, struct signal_struct, live.counter) > 0 && leader != task)
		return base_get(leader, struct task_struct, pid);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < REAPER_SEARCH_MAX; i++) {
		void *above = base_get(ancestor, struct task_struct, real_parent);

		if (above == ancestor || !above)
			break;
		if (death_is_subreaper(base_get(above, struct task_struct, signal)))
			return base_get(above, struct task_struct, pid);
		ancestor = above;
	}
	ancestor = base_get(death_namespace(task), struct pid_namespace, child_reaper);
	return base_get(ancestor, struct task_struct, pid);
}

static __always_inline u32 death_first_handler(struct scratch *s)
{
	touch_caller_first(s, HANDLER_DEATH);
#ifdef FEATURE_EARLY_DEATH
	if (s->touch.due)
		return HANDLER_TOUCH;
#endif
	return HANDLER_DEATH;
}

/* The thread is told first if it was not: it may have no other event. Before 6.16 its memory is gone by now, and with
 * it what program it is; then it can be told at the entry of its call only. */
int on_sched_process_exit(struct bpf_raw_tracepoint_args *ctx)
{
	void *task = (void *)ctx->args[0];
	u64 id = bpf_get_current_pid_tgid();
	struct scratch *s = base_scratch();

	if (s && id >> 32 != TRACER_PID) {
		process_fill(s, task);
		handlers.call(ctx, death_first_handler(s));
	}
	slot_release((u32)id);
	return 0;
}

/* status ret sig core reaper_tid */
int handle_death(struct bpf_raw_tracepoint_args *ctx)
{
	void *task = (void *)ctx->args[0];
	struct scratch *s = base_scratch();
	u32 status;

	slot_release((u32)bpf_get_current_pid_tgid());
	if (!s)
		return 0;
	status = base_get(task, struct task_struct, exit_code);
	store_begin(s, EV_PROCEXIT_1_E, NPARAMS_PROCEXIT_1_E);
	store_u64(s, status);
	store_u64(s, status & SIGNAL_MASK ? 0 : (status >> 8) & 0xff);
	store_u8(s, status & SIGNAL_MASK);
	store_u8(s, (status & CORE_BIT) != 0);
	store_u64(s, death_reaper(task));
	store_send(s);
	return 0;
}
