/*
 * Level 2: writing a record. A record is begun, its parameters are appended in table order,
 * and it is sent; every store_* call appends exactly one parameter.
 */
#define PREFIX_SIZE 32
#define SKIPPED_MAX 0xffff

/* how many calls were left out since the last record: event numbers come out the same with them */
static __always_inline u32 store_skipped(struct scratch *s)
{
	struct counters *count = base_counters();
	u64 skipped;

	if (!JUDGE_FILTERS || !count)
		return 0;
	skipped = count->left_out - s->told;
	if (skipped > SKIPPED_MAX)
		skipped = SKIPPED_MAX;
	s->told += skipped;
	return skipped;
}

static __always_inline void store_begin(struct scratch *s, u16 type, u32 nparams)
{
	u8 *record = s->record;

	*(u32 *)(record + 4) = s->call.flags;
	*(u64 *)(record + 8) = s->call.cgroup_id;
	*(u32 *)(record + 16) = s->call.pid;
	*(u32 *)(record + 20) = s->call.cpu | store_skipped(s) << 16;
	*(u64 *)(record + 24) = s->call.latency;
	*(u64 *)(record + 32) = s->call.ts;
	*(s64 *)(record + 40) = s->call.tid;
	*(u16 *)(record + 52) = type;
	*(u32 *)(record + 54) = nparams;
	s->pos = RECORD_HEADER_SIZE + 2 * nparams;
	s->index = 0;
}

static __always_inline u8 *store_at(struct scratch *s)
{
	return s->record + (s->pos & (SCRATCH_LIMIT - 1));
}

static __always_inline void store_length(struct scratch *s, u32 length)
{
	u32 index = s->index & 63;

	*(u16 *)(s->record + RECORD_HEADER_SIZE + 2 * index) = length;
	s->index = index + 1;
	s->pos += length;
}

/* whether a large parameter still fits; small ones always do, the margin is theirs */
static __always_inline bool store_has_room(struct scratch *s)
{
	if (s->pos < SCRATCH_LIMIT - 1024)
		return true;
	s->crowded++;
	return false;
}

static __always_inline void store_empty(struct scratch *s)
{
	store_length(s, 0);
}

static __always_inline void store_u64(struct scratch *s, u64 value)
{
	*(u64 *)store_at(s) = value;
	store_length(s, 8);
}

static __always_inline void store_u32(struct scratch *s, u32 value)
{
	*(u32 *)store_at(s) = value;
	store_length(s, 4);
}

static __always_inline void store_u8(struct scratch *s, u8 value)
{
	*store_at(s) = value;
	store_length(s, 1);
}

/* the return value; an fd of a slot of a ring's own table is none */
static __always_inline void store_result(struct scratch *s, u64 value)
{
	if (base_is_ring_call(s) && s->call.direct && (s64)value >= 0)
		store_empty(s);
	else
		store_u64(s, value);
}

/* the low `size` bytes of a value; the surplus written is overwritten by what follows */
static __always_inline void store_sized(struct scratch *s, u64 value, u32 size)
{
	*(u64 *)store_at(s) = value;
	store_length(s, size & 15);
}

static __always_inline void store_user_text(struct scratch *s, u64 address)
{
	s64 got = 0;

	if (address && store_has_room(s)) {
		got = base_read_pointed_text(s, store_at(s), TEXT_MAX, address);
		if (got < 0)
			base_count_unreadable(s);
	}
	store_length(s, got > 0 ? got & 0x1fff : 0);
}

static __always_inline void store_kernel_text(struct scratch *s, const void *address)
{
	s64 got = 0;

	if (address && store_has_room(s))
		got = base_read_kernel_text(store_at(s), TEXT_MAX, address);
	store_length(s, got > 0 ? got & 0x1fff : 0);
}

/* User memory to the record. Short data goes by the stack: the kernel checks where a copy goes to (CONFIG_HARDENED_USERCOPY),
 * and the stack is the first place it thinks of: 15 ns sooner. What stands behind the data is written over by what comes next. */
#define STORE_SHORT_WORDS 10

static __always_inline long store_read_user(struct scratch *s, u8 *to, u32 size, u64 address)
{
	u64 words[STORE_SHORT_WORDS] = {};
	u64 *out = (u64 *)to;
	u64 length;
	long failed;

	/* by way of memory: compared itself, a size that is never long would be one that cannot be to a verifier before
	 * 5.15, which follows that branch all the same and then takes no address made with it */
	*(volatile u64 *)&s->call.wanted = size;
	length = *(volatile u64 *)&s->call.wanted;
	if (length > sizeof(words))
		return base_read_user(to, size, (void *)address);
	failed = base_read_user(words, length, (void *)address);
#pragma clang loop unroll(full)
	for (u32 i = 0; i < STORE_SHORT_WORDS; i++)
		out[i] = words[i];
	return failed;
}

/* up to `length` and `limit` bytes of user memory; COPY_MASK is the power of two above every permitted length */
static __always_inline void store_user_bytes(struct scratch *s, u64 address, u64 length, u64 limit)
{
	u32 size = (length > limit ? limit : length) & COPY_MASK;

	if (!size || !store_has_room(s)) {
		store_length(s, 0);
		return;
	}
	if (store_read_user(s, store_at(s), size, address)) {
		base_count_unreadable(s);
		size = 0;
	}
	store_length(s, size);
}

/* a block of NUL separated texts, cut to TEXT_MAX and always ended by a NUL */
static __always_inline void store_user_texts(struct scratch *s, u64 start, u64 end)
{
	u64 length = end > start ? end - start : 0;
	u32 size = length > TEXT_MAX - 1 ? TEXT_MAX - 1 : length;
	u8 *at = store_at(s);

	base_opaque(size);
	size &= TEXT_MAX - 1;

	if (!size || !store_has_room(s)) {
		store_length(s, 0);
		return;
	}
	if (base_read_user(at, size, (void *)start)) {
		base_count_unreadable(s);
		store_length(s, 0);
		return;
	}
	if (length > size) {
		at[size] = 0;
		size++;
	}
	store_length(s, size);
}

static __always_inline void store_memory_use(struct scratch *s, void *task)
{
	struct memory_use use = extract_memory_use(task);

	store_u32(s, use.size);
	store_u32(s, use.resident);
	store_u32(s, use.swapped);
}

/* The reader polls with a timeout; it is woken only when so much was written since the last time
 * that, with all CPUs doing the same, it could fall behind. */
static __always_inline u64 store_wake_flag(struct scratch *s, u32 size)
{
	s->unannounced += size;
	if (s->unannounced < WAKE_BYTES)
		return BPF_RB_NO_WAKEUP;
	s->unannounced = 0;
	return BPF_RB_FORCE_WAKEUP;
}

/* Processors that write to one ring take turns; on large machines every few of them have a ring of their own. */
#ifdef FEATURE_RINGS

static long (*store_output_to)(void *to, void *data, u64 size,
			       u64 flags) = (void *)BPF_FUNC_ringbuf_output;

static __always_inline bool store_output(u8 *record, u32 size, u64 flags)
{
	u32 index = bpf_get_smp_processor_id() % (u32)RING_COUNT;
	void *to = rings.lookup(&index);

	return to && !store_output_to(to, record, size, flags);
}

#else

static __always_inline bool store_output(u8 *record, u32 size, u64 flags)
{
	return !ring.ringbuf_output(record, size, flags);
}

#endif

/* Tell of the records that this CPU could not write, where they are missing. The parameters of a GAP:
 * cause ("ring full", NUL), count, total, cpu. */
static __always_inline void store_tell_gap(struct scratch *s)
{
	struct counters *count = base_counters();
	u8 *gap = s->gap_record;

	*(u32 *)gap = GAP_SIZE;
	*(u32 *)(gap + 4) = RECORD_FLAG_STATE_ONLY;
	*(u32 *)(gap + 20) = s->call.cpu;
	*(u64 *)(gap + 32) = s->call.ts;
	*(u32 *)(gap + 48) = GAP_SIZE - 2 - PREFIX_SIZE;
	*(u16 *)(gap + 52) = EV_STATE_GAP;
	*(u32 *)(gap + 54) = NPARAMS_STATE_GAP;
	*(u64 *)(gap + 58) = 10 | 8ULL << 16 | 8ULL << 32 | 2ULL << 48;
	*(u64 *)(gap + 66) = 0x6c756620676e6972; /* "ring ful", little-endian */
	*(u16 *)(gap + 74) = 'l';
	*(u64 *)(gap + 76) = s->gap;
	*(u64 *)(gap + 84) = count ? count->ring_full : s->gap;
	*(u16 *)(gap + 92) = s->call.cpu;
	if (store_output(gap, GAP_SIZE, BPF_RB_NO_WAKEUP))
		s->gap = 0;
}

static __always_inline void store_count(struct scratch *s, bool lost)
{
	struct counters *count = base_counters();

	if (!count)
		return;
	count->ring_full += lost;
	count->unreadable += s->unreadable;
	count->scratch_full += s->crowded;
	s->unreadable = 0;
	s->crowded = 0;
}

static __always_inline void store_send(struct scratch *s)
{
	u32 pos = s->pos & (SCRATCH_LIMIT - 1);
	u32 size = (pos + 7) & ~7U;
	/* bcc's rewriter wants a pointer here, an array makes it fail */
	u8 *record = s->record;
	bool lost;

	*(u64 *)(record + pos) = 0;
	*(u32 *)record = size;
	*(u32 *)(record + 48) = pos - PREFIX_SIZE;
	if (s->gap)
		store_tell_gap(s);
	lost = !store_output(record, size, store_wake_flag(s, size));
	s->gap += lost;
	if (lost || s->unreadable || s->crowded)
		store_count(s, lost);
}
