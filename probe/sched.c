/*
 * Level 3: switches from one task to another, looked at only when asked for. The idle task's and the
 * tracer's own are told too: whoever adds up run times needs to know when each began and ended.
 */
int on_sched_switch(struct bpf_raw_tracepoint_args *ctx)
{
	void *leaving = (void *)ctx->args[1];
	struct memory_use use;
	struct fixed f = {};

	if (!overhead_wants_event(EV_SCHEDSWITCH_6_E))
		return 0;
	use = extract_memory_use(leaving);
	fixed_begin(&f, EV_SCHEDSWITCH_6_E, NPARAMS_SCHEDSWITCH_6_E);
	fixed_add(&f, base_get(ctx->args[2], struct task_struct, pid), 8);
	fixed_add(&f, base_get(leaving, struct task_struct, maj_flt), 8);
	fixed_add(&f, base_get(leaving, struct task_struct, min_flt), 8);
	fixed_add(&f, use.size, 4);
	fixed_add(&f, use.resident, 4);
	fixed_add(&f, use.swapped, 4);
	fixed_send(&f);
	return 0;
}
