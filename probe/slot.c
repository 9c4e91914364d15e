/*
 * Level 2: what is remembered of a thread between the entry and the exit of a call.
 *
 * A slot is found by tid & (SLOT_COUNT - 1) in an array, since an array look-up is inlined by the
 * kernel and a hash look-up is not. A thread whose slot is held by another thread's call in
 * flight gets one in a hash map.
 *
 * The cgroup id is cached in the slot. Both cached words carry the owner's tid and each is one
 * store, so two threads racing for a slot cannot read each other's cgroup; the generation, bumped
 * whenever a task is moved, invalidates every cached id at once and is read before the cgroup is.
 */
#define TAG_SHIFT 40
#define TAG_MASK ((1ULL << TAG_SHIFT) - 1)

static __always_inline struct slot *slot_crowded(u32 tid)
{
	struct slot *slot = crowded_slots.lookup(&tid);
	struct slot fresh = {};

	if (slot)
		return slot;
	fresh.tid = tid;
	crowded_slots.update(&tid, &fresh);
	return crowded_slots.lookup(&tid);
}

/* the thread's slot, taken over from a thread that is in no call */
static __always_inline struct slot *slot_claim(u32 tid)
{
	u32 key = tid & (SLOT_COUNT - 1);
	struct slot *slot = slots.lookup(&key);

	if (!slot || slot->tid == tid)
		return slot;
	if (slot->tid && slot->enter_ts)
		return slot_crowded(tid);
	slot->tid = tid;
	return slot;
}

static __always_inline struct slot *slot_find(u32 tid)
{
	u32 key = tid & (SLOT_COUNT - 1);
	struct slot *slot = slots.lookup(&key);

	if (slot && slot->tid == tid)
		return slot;
	return crowded_slots.lookup(&tid);
}

static __always_inline void slot_release(u32 tid)
{
	u32 key = tid & (SLOT_COUNT - 1);
	struct slot *slot = slots.lookup(&key);

	if (slot && slot->tid == tid) {
		slot->enter_ts = 0;
		slot->cgroup_tag = 0;
		slot->generation_tag = 0;
		slot->clone_flags = 0;
		slot->told_tag = 0;
		slot->epoch_tag = 0;
		slot->tid = 0;
	}
#ifndef FEATURE_EXACT_SLOTS
	crowded_slots.delete(&tid);
#endif
}

static __always_inline u64 slot_cgroup_id(struct slot *slot, u32 tid)
{
	u32 zero = 0;
	struct control *shared = control.lookup(&zero);
	u64 generation = shared ? *(volatile u64 *)&shared->generation : 0;
	u64 tag = (u64)tid << TAG_SHIFT;
	u64 id;

#ifdef FEATURE_CGROUP_CACHE
	if (slot && slot->generation_tag == (tag | (generation & TAG_MASK)) &&
	    (slot->cgroup_tag & ~TAG_MASK) == tag)
		return slot->cgroup_tag & TAG_MASK;
#endif
	id = extract_cgroup_id((void *)bpf_get_current_task());
	/* tids need 22 bits; an id that does not fit beside one is not cached */
	if (slot && id && id <= TAG_MASK) {
		slot->cgroup_tag = tag | id;
		slot->generation_tag = tag | (generation & TAG_MASK);
	}
	return id;
}
