/*
 * Level 3: telling what is due before a record (touch.c): the threads and open files that no event
 * has told (tell_thread.c, tell_file.c).
 */
/* Whether an fd has to be told now; it counts as told from here on. */
static __always_inline bool tell_fd_now(struct scratch *s, u32 pid, u32 fd)
{
	u64 question;

	if (!touch_look(s, fd))
		return false;
	question = touch_fd_question(s, pid, fd);
	if (touch_was_told(question, s->touch.file))
		return false;
	touch_enter(question, s->touch.file);
	s->touch.fd = fd;
	return true;
}

/* The next fd among those due; false when there is none left. */
static __always_inline bool tell_next_fd(struct scratch *s, u32 pid)
{
#pragma clang loop unroll(full)
	for (u32 i = 0; i < 6; i++) {
		if (!(s->touch.due & 1U << i))
			continue;
		s->touch.due &= ~(1U << i);
		if (tell_fd_now(s, pid, s->call.args[i]))
			return true;
	}
	return false;
}

/* what the call itself changed, before its arguments are looked at */
static __always_inline void tell_take_result(struct scratch *s, u32 pid)
{
	u32 due = s->touch.due;

	s->touch.due &= ~(TOUCH_RESULT | TOUCH_CLOSES);
	if (due & TOUCH_CLOSES)
		touch_closed(pid);
	if (s->call.ret < 0)
		return;
	if (due & TOUCH_RESULT)
		touch_fd_is_told(s, pid, s->call.ret);
	if (due & TOUCH_AGAIN && due & 1 && touch_look(s, s->call.args[0]))
		touch_enter(touch_fd_question(s, pid, s->call.args[0]), 0);
}

/* Tell what is due, one record after the other by way of the programs above, which come back here; then go on with
 * what it was due for. */
int handle_touch(struct bpf_raw_tracepoint_args *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct scratch *s = base_scratch();
	struct plan *plan = NULL;
	struct slot *slot;

	if (!s)
		return 0;
	slot = slot_find((u32)id);
	if (s->touch.due & TOUCH_THREAD) {
		s->touch.due &= ~TOUCH_THREAD;
		if (slot)
			slot->told_tag = touch_tag((u32)id, touch_generation());
		s->touch.task = bpf_get_current_task();
		s->touch.above = 0;
		if (!touch_was_told(touch_thread_question((u32)id), s->touch.task))
			handlers.call(ctx, HANDLER_THREAD);
	}
	if (s->touch.due & (TOUCH_RESULT | TOUCH_CLOSES | TOUCH_AGAIN))
		tell_take_result(s, id >> 32);
	if (tell_next_fd(s, id >> 32))
		handlers.call(ctx, HANDLER_FD);
	if (s->touch.then == TOUCH_THEN_PLAN || s->touch.then == TOUCH_THEN_GENERIC) {
		if (s->touch.then == TOUCH_THEN_PLAN)
			plan = base_call_plan(s);
		syscall_make(ctx, s, plan);
	} else if (s->touch.then != TOUCH_THEN_NOTHING) {
		handlers.call(ctx, s->touch.then);
	}
	return 0;
}
