/*
 * Level 3: birth, execution and death of tasks.
 *
 * The child's side of a clone is reported when the child is made, before it can run, so that its
 * birth always precedes its other records. A successful exec is reported from the scheduler's
 * tracepoint: there the new image is in place and the name that was asked for still exists.
 */
#define EXEC_ARGS_MAX 32
#define PIDTYPE_PGID_INDEX 2

static __always_inline void process_store_image(struct scratch *s, void *task)
{
	void *mm = base_get(task, struct task_struct, mm);
	u64 start = base_get(mm, struct mm_struct, arg_start);
	u64 end = base_get(mm, struct mm_struct, arg_end);
	u32 before = s->pos;

	if (!mm || !start) {
		store_kernel_text(s, base_at(task, struct task_struct, comm));
		store_empty(s);
		return;
	}
	store_user_text(s, start);
	store_user_texts(s, start + (s->pos - before), end);
}

/* tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups */
static __always_inline void process_store_common(struct scratch *s, void *task)
{
	void *parent = base_get(task, struct task_struct, real_parent);

	store_u64(s, base_get(task, struct task_struct, pid));
	store_u64(s, base_get(task, struct task_struct, tgid));
	store_u64(s, base_get(parent, struct task_struct, tgid));
	path_store_cwd(s, task);
	store_u64(s, extract_fdlimit(task));
	store_u64(s, base_get(task, struct task_struct, maj_flt));
	store_u64(s, base_get(task, struct task_struct, min_flt));
	store_memory_use(s, task);
	store_kernel_text(s, base_at(task, struct task_struct, comm));
	path_store_cgroup(s, task);
}

/* pidns_init_start_ts: when the init of the task's pid namespace began */
static __always_inline u64 process_namespace_start(void *task)
{
	void *proxy = base_get(task, struct task_struct, nsproxy);
	void *space = base_get(proxy, struct nsproxy, pid_ns_for_children);
	void *reaper = base_get(space, struct pid_namespace, child_reaper);

	return reaper ? base_get(reaper, struct task_struct, START_BOOTTIME) + CLOCK_OFFSET : 0;
}

static __always_inline void process_store_clone(struct scratch *s, void *task, u32 flags)
{
	void *cred = (void *)base_get(task, struct task_struct, cred);
	void *leader = base_get(task, struct task_struct, group_leader);

	store_u32(s, flags);
	store_u32(s, base_get(cred, struct cred, euid.val));
	store_u32(s, base_get(cred, struct cred, egid.val));
	store_u64(s, extract_namespaced(base_get(task, struct task_struct, thread_pid)));
	store_u64(s, extract_namespaced(base_get(leader, struct task_struct, thread_pid)));
	store_u64(s, process_namespace_start(task));
}

/* the flags of the schema; on the parent's side a child that will see itself under another pid is
 * marked */
static __always_inline u32 process_schema_flags(struct scratch *s, void *task)
{
	u64 native = s->call.clone_flags;
	void *proxy = base_get(task, struct task_struct, nsproxy);
	void *children = base_get(proxy, struct nsproxy, pid_ns_for_children);
	void *pid = base_get(task, struct task_struct, thread_pid);
	u32 flags = extract_conversion(CONVERSION_CLONE, native);

	if (!s->call.task &&
	    (native & NATIVE_CLONE_NEWPID ||
	     base_get(children, struct pid_namespace, level) != base_get(pid, struct pid, level)))
		flags |= PPM_CLONE_FLAGS_CLONE_CHILD_IN_PIDNS;
	return flags;
}

static __always_inline void process_fill(struct scratch *s, void *task)
{
	s->call.ts = base_now();
	s->call.task = (u64)task;
	s->call.ret = 0;
	s->call.latency = 0;
	s->call.cgroup_id = extract_cgroup_id(task);
	s->call.tid = base_get(task, struct task_struct, pid);
	s->call.pid = base_get(task, struct task_struct, tgid);
	s->call.cpu = (u16)bpf_get_smp_processor_id();
	s->call.flags = 0;
}

static __always_inline void *process_subject(struct scratch *s)
{
	return s->call.task ? (void *)s->call.task : (void *)bpf_get_current_task();
}

int on_sched_process_fork(struct bpf_raw_tracepoint_args *ctx)
{
	u64 clone_flags = 0;
	u32 nr = syscall_in_flight(&clone_flags);
	struct scratch *s = base_scratch();
	struct plan *plan;

	identity_forget(ctx->args[1]);
	if (!s)
		return 0;
	/* a new thread of the tracer is its own business, a new process is not */
	process_fill(s, (void *)ctx->args[1]);
	if (s->call.pid == TRACER_PID)
		return 0;
	plan = plans.lookup(&nr);
	s->call.type = EV_SYSCALL_CLONE_20_X;
	s->call.clone_flags = 0;
	if (plan && plan->handler == HANDLER_CLONE) {
		s->call.type = plan->type;
		s->call.clone_flags = clone_flags;
	}
	touch_thread_is_told(s->call.tid, s->call.task);
	/* the child has much of its parent, who may not have been told yet */
	touch_caller_first(s, HANDLER_CLONE);
	handlers.call(ctx, s->touch.due ? HANDLER_TOUCH : HANDLER_CLONE);
	return 0;
}

/* A clone's record is made by three programs: res exe args; what any process has; the rest.
 * The parent's side comes here from the exit of the call, the child's from its birth. */
int handle_clone(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct plan *plan;

	if (!s)
		return 0;
	if (!s->call.task) {
		plan = base_call_plan(s);
		s->call.type = plan ? plan->type : EV_SYSCALL_CLONE_20_X;
		s->call.clone_flags = syscall_clone_flags(s->call.nr, s->call.args);
	}
	store_begin(s, s->call.type, NPARAMS_SYSCALL_CLONE_20_X);
	store_u64(s, s->call.ret);
	process_store_image(s, process_subject(s));
	s->call.next = HANDLER_CLONE_END;
	handlers.call(ctx, HANDLER_TASK);
	return 0;
}

int handle_task(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();

	if (!s)
		return 0;
	process_store_common(s, process_subject(s));
	handlers.call(ctx, s->call.next);
	return 0;
}

int handle_clone_end(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	void *task;

	if (!s)
		return 0;
	task = process_subject(s);
	process_store_clone(s, task, process_schema_flags(s, task));
	store_send(s);
	return 0;
}

static __always_inline u64 process_read_capability(void *cred, u32 at)
{
	u64 value = 0;

	base_read_kernel(&value, sizeof(value), (char *)cred + at);
	return value;
}

/* whether the user may write the program it runs: as owner, in its group, or as anyone */
static __always_inline bool process_may_write(void *cred, void *inode)
{
	u32 mode = base_get(inode, struct inode, i_mode);
	u32 user = base_get(cred, struct cred, fsuid.val);

	if (user == 0)
		return true;
	if (base_get(inode, struct inode, i_uid.val) == user)
		return mode & 0200;
	if (base_get(inode, struct inode, i_gid.val) == base_get(cred, struct cred, fsgid.val))
		return mode & 0020;
	return mode & 0002;
}

static __always_inline bool process_is_memfd(void *file)
{
	void *entry = base_get(file, struct file, f_path.dentry);
	struct qstr name = extract_entry_name(entry);
	char head[6] = {};
	void *inode = base_get(file, struct file, f_inode);

	base_read_kernel(head, sizeof(head), name.name);
	return !base_get(inode, struct inode, i_nlink) && head[0] == 'm' && head[1] == 'e' &&
	       head[2] == 'm' && head[3] == 'f' && head[4] == 'd' && head[5] == ':';
}

static __always_inline u32 process_exec_flags(void *cred, void *file, void *inode)
{
	u32 layer = extract_overlay_layer(inode);
	u32 flags = process_may_write(cred, inode) ? PPM_EXECVE_FLAGS_EXE_WRITABLE : 0;

	if (process_is_memfd(file))
		flags |= PPM_EXECVE_FLAGS_EXE_FROM_MEMFD;
	if (layer == 1)
		flags |= PPM_EXECVE_FLAGS_EXE_UPPER_LAYER;
	else if (layer == 2)
		flags |= PPM_EXECVE_FLAGS_EXE_LOWER_LAYER;
	return flags;
}

/* tty vpgid loginuid flags capabilities exe_ino ctime mtime uid trusted_exepath pgid gid */
static __always_inline void process_store_exec(struct scratch *s, void *task)
{
	void *cred = (void *)base_get(task, struct task_struct, cred);
	void *mm = base_get(task, struct task_struct, mm);
	void *file = base_get(mm, struct mm_struct, exe_file);
	void *inode = base_get(file, struct file, f_inode);
	void *group = extract_signal_pid(task, PIDTYPE_PGID_INDEX);

	store_u32(s, extract_tty(task));
	store_u64(s, extract_namespaced(group));
	store_u32(s, extract_loginuid(task));
	store_u32(s, process_exec_flags(cred, file, inode));
	store_u64(s, process_read_capability(cred, offsetof(struct cred, cap_inheritable)));
	store_u64(s, process_read_capability(cred, offsetof(struct cred, cap_permitted)));
	store_u64(s, process_read_capability(cred, offsetof(struct cred, cap_effective)));
	store_u64(s, base_get(inode, struct inode, i_ino));
	store_u64(s, extract_inode_ctime(inode));
	store_u64(s, extract_inode_mtime(inode));
	store_u32(s, base_get(cred, struct cred, euid.val));
	path_store_file(s, file);
	store_u64(s, base_get(group, struct pid, numbers[0].nr));
	store_u32(s, base_get(cred, struct cred, egid.val));
}

/* the texts a NULL-ended user array of pointers points at, from element `first` on */
static __always_inline void process_store_user_array(struct scratch *s, u64 array, u32 first)
{
	u8 *at = store_at(s);

	s->call.done = 0;
	if (!store_has_room(s))
		array = 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < EXEC_ARGS_MAX; i++) {
		u32 done = s->call.done & (TEXT_MAX - 1);
		u64 text = 0;
		s64 got;

		if (!array || done >= TEXT_MAX - NAME_SIZE)
			break;
		if (base_read_user(&text, sizeof(text), (void *)(array + (i + first) * 8)) || !text)
			break;
		got = base_read_user_text(at + done, NAME_SIZE, (void *)text);
		if (got <= 0)
			break;
		s->call.done += got & 0x1ff;
	}
	store_length(s, s->call.done & 0x1fff);
}

/* A failed execve or execveat left the process as it was and its arguments its own; a successful
 * one comes from the scheduler's tracepoint. The record goes on in two other programs. */
int handle_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	u64 first = 0, argv;
	bool at;

	if (!s)
		return 0;
	at = s->call.nr == NATIVE_NR_EXECVEAT;
	store_begin(s, at ? EV_SYSCALL_EXECVEAT_X : EV_SYSCALL_EXECVE_19_X,
		    at ? NPARAMS_SYSCALL_EXECVEAT_X : NPARAMS_SYSCALL_EXECVE_19_X);
	store_u64(s, s->call.ret);
	if (s->call.task) {
		process_store_image(s, (void *)s->call.task);
	} else {
		argv = at ? s->call.args[2] : s->call.args[1];
		if (argv)
			base_read_user(&first, sizeof(first), (void *)argv);
		store_user_text(s, first);
		process_store_user_array(s, argv, 1);
	}
	s->call.next = HANDLER_EXEC_END;
	handlers.call(ctx, HANDLER_TASK);
	return 0;
}

static __always_inline void process_store_env(struct scratch *s, bool at)
{
	void *mm;

	if (!s->call.task) {
		process_store_user_array(s, at ? s->call.args[3] : s->call.args[2], 0);
		return;
	}
	mm = base_get(s->call.task, struct task_struct, mm);
	store_user_texts(s, base_get(mm, struct mm_struct, env_start),
			 base_get(mm, struct mm_struct, env_end));
}

int handle_exec_end(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	bool at;

	if (!s)
		return 0;
	at = s->call.nr == NATIVE_NR_EXECVEAT;
	process_store_env(s, at);
	process_store_exec(s, process_subject(s));
	if (!at && s->call.task)
		store_kernel_text(s, base_get(s->call.program, struct linux_binprm, filename));
	else if (!at)
		store_user_text(s, s->call.args[0]);
	store_send(s);
	return 0;
}

/* The number of the call that made an exec. The registers do not have it any more, they say execve in any case: of an
 * execveat that was given an fd the kernel made a path of it, of another one nothing is left. */
static __always_inline u32 process_exec_number(struct slot *slot, void *program)
{
	if (LATENCY && slot && slot->enter_ts)
		return slot->nr;
#ifdef FEATURE_TASK_REGISTERS
	if (base_get(program, struct linux_binprm, fdpath))
		return NATIVE_NR_EXECVEAT;
#endif
	return NR_SKIP;
}

/* latency so far, and the thread's slot told to pass over the return of the call; a thread that
 * was not the leader takes the leader's id when it executes, so its slot has the old id */
static __always_inline u32 process_end_exec(struct scratch *s, u32 old_tid)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct slot *slot = slot_find(old_tid);
	u32 nr = process_exec_number(slot, (void *)s->call.program);

	if (LATENCY && slot && slot->enter_ts) {
		s->call.latency = s->call.ts - slot->enter_ts;
		slot->enter_ts = 0;
	}
	slot = slot_claim(tid);
	if (slot) {
		slot->nr = NR_SKIP;
		slot->enter_ts = s->call.ts;
	}
	return nr;
}

int on_sched_process_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();

	identity_forget(ctx->args[0]);
	if (!s || bpf_get_current_pid_tgid() >> 32 == TRACER_PID)
		return 0;
	process_fill(s, (void *)ctx->args[0]);
	s->call.program = ctx->args[2];
	s->call.nr = process_end_exec(s, ctx->args[1]);
	touch_closed(s->call.pid);
	touch_caller_first(s, HANDLER_EXEC);
	handlers.call(ctx, s->touch.due ? HANDLER_TOUCH : HANDLER_EXEC);
	return 0;
}
