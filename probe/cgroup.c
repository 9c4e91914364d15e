/*
 * Level 3: cgroups of the tracked hierarchy coming and going, and tasks moving between them.
 */
static __always_inline void cgroup_report(u64 cgroup, u64 path, u16 type)
{
	struct scratch *s = base_scratch();
	void *root = base_get(cgroup, struct cgroup, root);
	void *node;

	if (!s || base_get(root, struct cgroup_root, hierarchy_id) != CGROUP_HIERARCHY)
		return;
	node = base_get(cgroup, struct cgroup, kn);
	process_fill(s, (void *)bpf_get_current_task());
	s->call.flags = RECORD_FLAG_STATE_ONLY;
	store_begin(s, type, NPARAMS_STATE_CGROUP_MKDIR);
	store_u64(s, base_get(node, struct kernfs_node, id));
	store_kernel_text(s, (void *)path);
	store_send(s);
}

int on_cgroup_mkdir(struct bpf_raw_tracepoint_args *ctx)
{
	cgroup_report(ctx->args[0], ctx->args[1], EV_STATE_CGROUP_MKDIR);
	return 0;
}

int on_cgroup_rmdir(struct bpf_raw_tracepoint_args *ctx)
{
	cgroup_report(ctx->args[0], ctx->args[1], EV_STATE_CGROUP_RMDIR);
	return 0;
}

#ifdef FEATURE_CGROUP_CACHE
/* a task was moved: every cached cgroup id is void */
int on_cgroup_attach_task(struct bpf_raw_tracepoint_args *ctx)
{
	u32 zero = 0;
	struct control *shared = control.lookup(&zero);

	if (shared)
		__sync_fetch_and_add(&shared->generation, 1);
	return 0;
}
#endif
