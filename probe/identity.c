/*
 * Level 1: whose call it is, told from where its registers are kept: a load in the place of a helper's call, which takes 9 ns.
 *
 * They lie at the top of the thread's kernel stack, which is its own as long as it lives. A word is a part of the address,
 * then tgid and pid, of which the kernel has none above 22 bits; all of it is one load and one store, since stacks far from
 * each other share a word. What is void: the word of a stack that a new thread was given, hence a birth makes it so, and that
 * of a thread that took its leader's id by an exec.
 */
#define IDENTITY_COUNT 16384
#define IDENTITY_STACK_SHIFT \
	14 /* no stack is smaller, and none begins elsewhere than at a multiple of that */
#define IDENTITY_STACK_PARTS 4 /* and none is larger than so many times that */
#define IDENTITY_TAG_SHIFT 44
#define IDENTITY_ID_BITS 22
#define IDENTITY_ID_MASK ((1ULL << IDENTITY_ID_BITS) - 1)

BPF_TABLE("array", u32, u64, identities, IDENTITY_COUNT);

static __always_inline u64 *identity_word(u64 address)
{
	u32 key = address >> IDENTITY_STACK_SHIFT & (IDENTITY_COUNT - 1);

	return identities.lookup(&key);
}

static __always_inline u64 identity_tag(u64 address)
{
	return address / ((u64)IDENTITY_COUNT << IDENTITY_STACK_SHIFT) << IDENTITY_TAG_SHIFT;
}

/* what bpf_get_current_pid_tgid() says, in a call whose registers are at `address` */
static __always_inline u64 identity_of_call(u64 address)
{
	u64 *word = identity_word(address);
	u64 tag = identity_tag(address);
	u64 known = word ? *(volatile u64 *)word : 0;
	u64 tgid = known >> IDENTITY_ID_BITS & IDENTITY_ID_MASK;
	u64 id;

	if (tgid && known >> IDENTITY_TAG_SHIFT == tag >> IDENTITY_TAG_SHIFT)
		return tgid << 32 | (known & IDENTITY_ID_MASK);
	id = bpf_get_current_pid_tgid();
	if (word)
		*(volatile u64 *)word = tag | id >> 32 << IDENTITY_ID_BITS | (u32)id;
	return id;
}

/* a task begins to live, or changed its id */
static __always_inline void identity_forget(u64 task)
{
	u64 stack = (u64)base_get(task, struct task_struct, stack);

#pragma clang loop unroll(full)
	for (u32 i = 0; i < IDENTITY_STACK_PARTS; i++) {
		u64 *word = identity_word(stack + ((u64)i << IDENTITY_STACK_SHIFT));

		if (word)
			*(volatile u64 *)word = 0;
	}
}
