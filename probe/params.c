/*
 * Level 3: calls whose parameters are plain: integers, flags, paths, small user structures.
 * The plan of the call says step by step what each parameter is made of (capture/plans.py).
 */
static __always_inline u64 params_arg(struct scratch *s, u32 index)
{
	index &= 7;
	return s->call.args[index > 5 ? 5 : index];
}

static __always_inline u64 params_user(struct scratch *s, struct step step, u32 size)
{
	void *address = (void *)(params_arg(s, step.arg) + step.detail);
	u64 value = 0;
	s64 failed;

	if (size == 8)
		failed = base_read_user(&value, 8, address);
	else if (size == 4)
		failed = base_read_user(&value, 4, address);
	else
		failed = base_read_user(&value, 2, address);
	if (failed)
		base_count_unreadable(s);
	return value;
}

static __always_inline u64 params_nanoseconds(struct scratch *s, struct step step)
{
	u64 address = params_arg(s, step.arg);
	u64 pair[2] = {};

	if (!address)
		return -1;
	if (base_read_user(pair, sizeof(pair), (void *)(address + step.detail)))
		base_count_unreadable(s);
	return pair[0] * 1000000000ULL + pair[1];
}

static __always_inline u64 params_capability(u32 which)
{
	void *task = (void *)bpf_get_current_task();
	void *cred = (void *)base_get(task, struct task_struct, cred);
	u64 value = 0;
	u32 at = which == 0   ? offsetof(struct cred, cap_inheritable)
		 : which == 1 ? offsetof(struct cred, cap_permitted)
			      : offsetof(struct cred, cap_effective);

	base_read_kernel(&value, sizeof(value), (char *)cred + at);
	return value;
}

static __always_inline u64 params_file_ino(s32 fd)
{
	void *file = extract_file((void *)bpf_get_current_task(), fd);
	void *inode = base_get(file, struct file, f_inode);

	return base_get(inode, struct inode, i_ino);
}

static __always_inline u64 params_integer(struct scratch *s, struct step step)
{
	u64 value = params_arg(s, step.arg);

	switch (step.op) {
	case OP_RET:
		return s->call.ret;
	case OP_FD:
		return (s32)value;
	case OP_MASKED:
		return value & step.detail;
	case OP_USER:
		return params_user(s, step, step.size);
	case OP_USER_FD:
		return (s32)params_user(s, step, 4);
	case OP_TIME:
		return params_nanoseconds(s, step);
	case OP_CAPABILITY:
		return params_capability(step.detail);
	case OP_FD_INO:
		return params_file_ino((s32)params_user(s, step, 4));
	}
	return value;
}

static __always_inline void params_store_integer(struct scratch *s, struct step step)
{
	u64 value = params_integer(s, step);
	u32 conversion = step.arg >> 3;

	store_sized(s, conversion ? extract_conversion(conversion, value) : value, step.size);
}

static __always_inline void params_store(struct scratch *s, struct step step)
{
	if (step.op == OP_EMPTY)
		store_empty(s);
	else if (step.op == OP_TEXT)
		store_user_text(s, params_arg(s, step.arg));
	else if (step.op == OP_NAME)
		store_user_text(s, s->call.args[0] == NATIVE_PR_SET_NAME ? params_arg(s, step.arg)
									 : 0);
	else if (step.op == OP_RESULT_TEXT)
		store_user_text(s, s->call.ret > 0 ? params_arg(s, step.arg) : 0);
	else if (step.op == OP_RET && step.size == 8)
		store_result(s, s->call.ret);
	else if (step.op == OP_MEMORY)
		store_memory_use(s, (void *)bpf_get_current_task());
	else
		params_store_integer(s, step);
}

int handle_params(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct plan *plan;

	if (!s)
		return 0;
	plan = base_call_plan(s);
	if (!plan)
		return 0;
	store_begin(s, plan->type, plan->nparams);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < PLAN_PARAMS; i++) {
		struct step step = plan->steps[i];

		if (step.op == OP_END)
			break;
		params_store(s, step);
	}
	store_send(s);
	return 0;
}
