/*
 * Level 2: records of a few numbers, built on the stack. They are for programs that can run in the
 * midst of another one on the same CPU (a fault of its reading), or very often: the scratch is not theirs.
 */
#define FIXED_PARAMS_MAX 6
#define FIXED_SIZE 112

/* the verifier takes no misaligned access to the stack, so these are made of halves */
typedef u64 __attribute__((aligned(2))) fixed_u64;
typedef u32 __attribute__((aligned(2))) fixed_u32;

struct fixed {
	u32 pos;
	u32 index;
	u64 record[FIXED_SIZE / 8];
};

static __always_inline void fixed_begin(struct fixed *f, u16 type, u32 nparams)
{
	u64 id = bpf_get_current_pid_tgid();
	u8 *record = (u8 *)f->record;

	*(u32 *)(record + 4) = overhead_flag();
	*(u64 *)(record + 8) = slot_cgroup_id(slot_find((u32)id), (u32)id);
	*(u32 *)(record + 16) = id >> 32;
	*(u32 *)(record + 20) = (u16)bpf_get_smp_processor_id();
	*(u64 *)(record + 32) = base_now();
	*(s64 *)(record + 40) = (u32)id;
	*(u16 *)(record + 52) = type;
	*(fixed_u32 *)(record + 54) = nparams;
	f->pos = RECORD_HEADER_SIZE + 2 * nparams;
}

/* `size` is a constant, and so is every place in the record */
static __always_inline void fixed_add(struct fixed *f, u64 value, u32 size)
{
	u8 *record = (u8 *)f->record;

	*(u16 *)(record + RECORD_HEADER_SIZE + 2 * f->index) = size;
	if (size == 8)
		*(fixed_u64 *)(record + f->pos) = value;
	else
		*(fixed_u32 *)(record + f->pos) = value;
	f->pos += size;
	f->index++;
}

static __always_inline void fixed_send(struct fixed *f)
{
	struct scratch *s = base_scratch();
	u32 size = (f->pos + 7) & ~7U;
	u8 *record = (u8 *)f->record;

	*(u32 *)record = size;
	*(u32 *)(record + 48) = f->pos - PREFIX_SIZE;
	if (!s || store_output(record, size, store_wake_flag(s, size)))
		return;
	/* told of by the next record that is made in the scratch */
	s->gap++;
	store_count(s, true);
}
