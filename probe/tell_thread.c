/*
 * Level 3: a thread that no event has told, with those above it, as state records right before the
 * event that needs it.
 */
#define TELL_ABOVE_MAX 8
#define PIDTYPE_SID_INDEX 3

static __always_inline void tell_begin(struct scratch *s, u16 type, u32 nparams, u32 tid, u32 pid,
				       u64 cgroup_id)
{
	u8 *record = s->record;

	*(u32 *)(record + 4) = RECORD_FLAG_STATE_ONLY;
	*(u64 *)(record + 8) = cgroup_id;
	*(u32 *)(record + 16) = pid;
	*(u32 *)(record + 20) = s->call.cpu;
	*(u64 *)(record + 24) = 0;
	*(u64 *)(record + 32) = s->call.ts;
	*(s64 *)(record + 40) = tid;
	*(u16 *)(record + 52) = type;
	*(u32 *)(record + 54) = nparams;
	s->pos = RECORD_HEADER_SIZE + 2 * nparams;
	s->index = 0;
}

/* a text of no length, which is not the same as no text */
static __always_inline void tell_no_text(struct scratch *s)
{
	store_u8(s, 0);
}

/* exe exepath args: the program's own memory can be read in its own threads only, elsewhere exe
 * and args are absent */
static __always_inline void tell_image(struct scratch *s, void *mm)
{
	void *own = base_get(bpf_get_current_task(), struct task_struct, mm);
	u64 start = base_get(mm, struct mm_struct, arg_start);
	bool readable = mm && mm == own;
	u32 before = s->pos;

	if (readable)
		store_user_text(s, start);
	else
		store_empty(s);
	start += s->pos - before;
	path_store_file(s, mm ? base_get(mm, struct mm_struct, exe_file) : NULL);
	store_user_texts(s, start, readable ? base_get(mm, struct mm_struct, arg_end) : 0);
}

/* tid pid ptid sid vpgid pgid comm exe exepath args cwd */
int handle_thread(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	void *task, *parent, *session, *group;
	u32 tid, pid;

	if (!s)
		return 0;
	task = (void *)s->touch.task;
	parent = base_get(task, struct task_struct, real_parent);
	session = extract_signal_pid(task, PIDTYPE_SID_INDEX);
	group = extract_signal_pid(task, PIDTYPE_PGID_INDEX);
	tid = base_get(task, struct task_struct, pid);
	pid = base_get(task, struct task_struct, tgid);
	tell_begin(s, EV_STATE_THREAD, NPARAMS_STATE_THREAD, tid, pid, extract_cgroup_id(task));
	store_u64(s, tid);
	store_u64(s, pid);
	store_u64(s, base_get(parent, struct task_struct, tgid));
	store_u64(s, base_get(session, struct pid, numbers[0].nr));
	store_u64(s, extract_namespaced(group));
	store_u64(s, base_get(group, struct pid, numbers[0].nr));
	store_kernel_text(s, base_at(task, struct task_struct, comm));
	tell_image(s, base_get(task, struct task_struct, mm));
	if (tid == pid)
		path_store_cwd(s, task);
	else
		tell_no_text(s);
	handlers.call(ctx, HANDLER_THREAD_END);
	return 0;
}

static __always_inline void tell_root(struct scratch *s, void *task)
{
	void *fs = base_get(task, struct task_struct, fs);

	if (fs)
		path_store_entry(s, base_get(fs, struct fs_struct, root.mnt),
				 base_get(fs, struct fs_struct, root.dentry));
	else
		store_empty(s);
}

static __always_inline void tell_env(struct scratch *s, void *task)
{
	void *mm = base_get(task, struct task_struct, mm);
	bool readable = mm && mm == base_get(bpf_get_current_task(), struct task_struct, mm);
	u64 end = readable ? base_get(mm, struct mm_struct, env_end) : 0;

	store_user_texts(s, base_get(mm, struct mm_struct, env_start), end);
}

/* the thread whose names are needed with those of `task`: its process' main one, then the parent */
static __always_inline void *tell_above(void *task)
{
	void *leader = base_get(task, struct task_struct, group_leader);
	void *parent = base_get(task, struct task_struct, real_parent);

	return leader == task ? base_get(parent, struct task_struct, group_leader) : leader;
}

static __always_inline bool tell_goes_up(struct scratch *s, void *above)
{
	u32 pid = base_get(above, struct task_struct, pid);

	if (!pid || s->touch.above >= TELL_ABOVE_MAX)
		return false;
	s->touch.above++;
	s->touch.task = (u64)above;
	return !touch_was_told(touch_thread_question(pid), (u64)above);
}

/* exe_flags cap_inheritable cap_permitted cap_effective exe_ino exe_ctime exe_mtime */
static __always_inline void tell_program(struct scratch *s, void *task, void *cred)
{
	void *mm = base_get(task, struct task_struct, mm);
	void *file = base_get(mm, struct mm_struct, exe_file);
	void *inode = base_get(file, struct file, f_inode);

	store_u32(s, process_exec_flags(cred, file, inode));
	store_u64(s, process_read_capability(cred, offsetof(struct cred, cap_inheritable)));
	store_u64(s, process_read_capability(cred, offsetof(struct cred, cap_permitted)));
	store_u64(s, process_read_capability(cred, offsetof(struct cred, cap_effective)));
	store_u64(s, base_get(inode, struct inode, i_ino));
	store_u64(s, extract_inode_ctime(inode));
	store_u64(s, extract_inode_mtime(inode));
}

/* root env cgroups fdlimit flags uid gid loginuid vm_size vm_rss vm_swap pgft_maj pgft_min vtid vpid tty
 * start_ts pidns_init_start_ts, and what tell_program tells */
int handle_thread_end(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	void *task, *cred, *leader;

	if (!s)
		return 0;
	task = (void *)s->touch.task;
	cred = (void *)base_get(task, struct task_struct, cred);
	leader = base_get(task, struct task_struct, group_leader);
	tell_root(s, task);
	if (leader == task)
		tell_env(s, task);
	else
		store_empty(s);
	path_store_cgroup(s, task);
	store_u64(s, extract_fdlimit(task));
	store_u32(s,
		  leader == task ? 0 : PPM_CLONE_FLAGS_CLONE_THREAD | PPM_CLONE_FLAGS_CLONE_FILES);
	store_u32(s, base_get(cred, struct cred, euid.val));
	store_u32(s, base_get(cred, struct cred, egid.val));
	store_u32(s, extract_loginuid(task));
	store_memory_use(s, task);
	store_u64(s, base_get(task, struct task_struct, maj_flt));
	store_u64(s, base_get(task, struct task_struct, min_flt));
	store_u64(s, extract_namespaced(base_get(task, struct task_struct, thread_pid)));
	store_u64(s, extract_namespaced(base_get(leader, struct task_struct, thread_pid)));
	store_u32(s, extract_tty(task));
	store_u64(s, base_get(task, struct task_struct, START_BOOTTIME) + CLOCK_OFFSET);
	store_u64(s, process_namespace_start(task));
	tell_program(s, task, cred);
	store_send(s);
	touch_thread_is_told(base_get(task, struct task_struct, pid), (u64)task);
	if (tell_goes_up(s, tell_above(task)))
		handlers.call(ctx, HANDLER_THREAD);
	handlers.call(ctx, HANDLER_TOUCH);
	return 0;
}
