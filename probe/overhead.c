/*
 * Level 2: doing less per call, so that the capture costs no more than its user allows.
 *
 * User space measures what the programs cost and sets the reduction (capture/overhead/), which is read
 * at every call: REDUCE_DATA leaves the data out, REDUCE_ARGUMENTS all but the result and the fd, and
 * REDUCE_CALLS whole calls. What the engine's tables learn from arrives whole in any case. Calls that
 * are left out are counted, by call and CPU. Without a limit none of this is loaded.
 *
 * Which calls are left out is told from how many of their kind came before on the CPU, mixed so that no
 * program's rhythm can meet it. It is decided when the call begins (where entries are looked at), where its
 * number alone decides whether it is wanted; its exit then finds in the slot that there is nothing to do.
 */
#define BRIEF_PARAMS_MAX 16
#define SAMPLE_SHIFT 32 /* where in the reduction the kept part of 2^32 stands */
#define MIX_FIRST 0x9E3779B1U
#define MIX_SECOND 0x85EBCA6BU

struct overhead_count {
	u64 seen;
	u64 left_out;
};

/* for every CPU OVERHEAD_ROWS: calls by number, then other events by type */
BPF_F_TABLE("array", u32, struct overhead_count, overhead_counts, CPU_COUNT *OVERHEAD_ROWS,
	    BPF_F_MMAPABLE);

/* how often a call ended, for whoever measures what one costs */
static __always_inline void overhead_note_call(void)
{
	struct counters *count;

	if (!OVERHEAD)
		return;
	count = base_counters();
	if (count)
		count->calls++;
}

/* whether this one of its kind is kept; counts it when it is not */
static __always_inline bool overhead_draw(u64 reduction, u32 row)
{
	u32 key = bpf_get_smp_processor_id() * OVERHEAD_ROWS + (row & (OVERHEAD_ROWS - 1));
	struct overhead_count *count = overhead_counts.lookup(&key);
	u32 mixed;

	if (!count)
		return true;
	count->seen++;
	mixed = (u32)count->seen * MIX_FIRST;
	mixed = (mixed ^ mixed >> 15) * MIX_SECOND;
	mixed ^= mixed >> 13;
	if (mixed < reduction >> SAMPLE_SHIFT)
		return true;
	count->left_out++;
	return false;
}

/* whether the call tells the engine's tables nothing; an address given with data does */
static __always_inline bool overhead_is_spare(struct scratch *s, struct plan *plan)
{
	return plan->spare == SPARE_ALWAYS ||
	       (plan->spare == SPARE_WITHOUT_ADDRESS && !s->call.args[4]);
}

/* whether the number of a native call is all that decides */
static __always_inline bool overhead_goes_by_number(struct plan *plan)
{
	return plan->spare == SPARE_ALWAYS && plan->verdict == VERDICT_KEEP;
}

static __always_inline bool overhead_skips_entry(u32 nr, u32 tid)
{
	u64 reduction = base_reduction();
	struct plan *plan;
	struct slot *slot;

	if (!(reduction & REDUCE_CALLS))
		return false;
	plan = plans.lookup(&nr);
	/* the number may be one of the 32-bit table */
	if (!plan || !overhead_goes_by_number(plan) || base_is_task_compat())
		return false;
	slot = slot_claim(tid);
	if (!slot || overhead_draw(reduction, nr))
		return false;
	slot->nr = NR_SKIP;
	slot->enter_ts = 1; /* in flight */
	return true;
}

/* whether its entry decided so */
static __always_inline bool overhead_was_skipped(u32 tid)
{
	u32 key = tid & (SLOT_COUNT - 1);
	struct slot *slot = slots.lookup(&key);

	if (!slot || slot->tid != tid || slot->nr != NR_SKIP || !slot->enter_ts)
		return false;
	slot->enter_ts = 0;
	return true;
}

/* without entries, it is decided when the call ends */
static __always_inline bool overhead_skips_number(u64 reduction, u64 registers)
{
	struct plan *plan;
	u32 nr;

	if (!base_read_native_nr(registers, &nr))
		return false;
	plan = plans.lookup(&nr);
	return plan && overhead_goes_by_number(plan) && !overhead_draw(reduction, nr);
}

static __always_inline bool overhead_skips_exit(u64 registers, u32 tid)
{
	u64 reduction = base_reduction();

	if (!(reduction & REDUCE_CALLS))
		return false;
	return LATENCY ? overhead_was_skipped(tid) : overhead_skips_number(reduction, registers);
}

/* the mark of records that stand for more than themselves */
static __always_inline u32 overhead_flag(void)
{
	return base_reduction() & REDUCE_CALLS ? RECORD_FLAG_SAMPLED : 0;
}

/* Whether there is to be a record of a call that the filters want. */
static __always_inline bool overhead_wants(struct scratch *s, struct plan *plan)
{
	u32 decided_elsewhere = RECORD_FLAG_COMPAT32 | RECORD_FLAG_IO_URING;
	u64 reduction = base_reduction();

	if (!(reduction & REDUCE_CALLS) || !plan || !overhead_is_spare(s, plan) ||
	    s->call.flags & RECORD_FLAG_STATE_ONLY)
		return true;
	if ((s->call.flags & decided_elsewhere || !overhead_goes_by_number(plan)) &&
	    !overhead_draw(reduction, s->call.nr))
		return false;
	s->call.flags |= RECORD_FLAG_SAMPLED;
	return true;
}

/* the same of an event that is no call */
static __always_inline bool overhead_wants_event(u16 type)
{
	u64 reduction = base_reduction();

	return !(reduction & REDUCE_CALLS) || overhead_draw(reduction, PLAN_COUNT + type);
}

static __always_inline bool overhead_is_brief(struct scratch *s, struct plan *plan)
{
	return base_reduction() & REDUCE_ARGUMENTS && plan->fd_at != BRIEF_NEVER &&
	       overhead_is_spare(s, plan);
}

/* the result, which is the first parameter, and the fd */
static __always_inline void overhead_store_brief(struct scratch *s, struct plan *plan)
{
	u32 arg = plan->fd_arg < 6 ? plan->fd_arg & 7 : 0;

	store_begin(s, plan->type, plan->nparams);
	__builtin_memset(s->record + RECORD_HEADER_SIZE, 0, 2 * BRIEF_PARAMS_MAX);
	store_result(s, s->call.ret);
	if (!plan->fd_at)
		return;
	s->index = plan->fd_at;
	store_u64(s, (s32)s->call.args[arg > 5 ? 5 : arg]);
}
