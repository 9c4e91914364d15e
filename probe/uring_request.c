/*
 * Level 2: what a request of an io_uring asks for, read from the ring when it is taken from there.
 *
 * A program may reuse names, addresses, message headers and arrays of buffers as soon as its
 * submission was taken, so they are copied. The data itself must stay where it is until the end.
 */
#ifdef FEATURE_URING

#define RING_SETUP_SQPOLL (1 << 1)
#define RING_SETUP_WIDE_ENTRIES (1 << 10)
#define RING_SETUP_NO_ARRAY (1 << 16)
#define RING_FIXED_FILE (1 << 0)
#define RING_NAME_SIZE 128
#define RING_NAME_LEAST 16
#define RING_VECTOR_AT 64
#define RING_KEPT_MASK (RING_KEPT_PART - 1)

/* struct io_uring_sqe of the kernel's interface, whose layout is fixed */
struct ring_entry {
	u8 opcode;
	u8 flags;
	u16 priority;
	s32 fd;
	u64 offset;
	u64 address;
	u32 length;
	u32 operation_flags;
	u64 user_data;
	u16 buffer;
	u16 personality;
	u32 file_index;
	u64 rest[2];
};

/* the entry of the request that was taken last */
static __always_inline const void *uring_last_entry(void *ring)
{
	u32 flags = base_get(ring, struct io_ring_ctx, flags);
	u32 count = base_get(ring, struct io_ring_ctx, sq_entries);
	u32 at = (base_get(ring, struct io_ring_ctx, cached_sq_head) - 1) & (count - 1);

	if (!(flags & RING_SETUP_NO_ARRAY)) {
		const u32 *array = base_get(ring, struct io_ring_ctx, sq_array);

		base_read_kernel(&at, sizeof(at), array + at);
	}
	if (flags & RING_SETUP_WIDE_ENTRIES)
		at <<= 1;
	return (const char *)base_get(ring, struct io_ring_ctx, sq_sqes) +
	       (u64)at * sizeof(struct ring_entry);
}

static __always_inline u64 uring_argument(const struct ring_entry *entry, u32 source)
{
	switch (source) {
	case SOURCE_FD:
		/* a number in the ring's own table says nothing to anybody else */
		return entry->flags & RING_FIXED_FILE ? -1 : (s64)entry->fd;
	case SOURCE_NUMBER:
		return (s64)entry->fd;
	case SOURCE_LENGTH:
		return entry->length;
	case SOURCE_FLAGS:
		return entry->operation_flags;
	case SOURCE_SPLICE_FD:
		return (s64)(s32)entry->file_index;
	case SOURCE_NAME_LENGTH:
		return (u16)entry->file_index;
	case SOURCE_OFFSET:
	case SOURCE_TEXT2:
	case SOURCE_NAME2:
	case SOURCE_HOW2:
		return entry->offset;
	case SOURCE_NONE:
		return 0;
	}
	return entry->address;
}

static __always_inline u32 uring_keep_name(struct ring_kept *kept, u64 address)
{
	/* a short address may end at the end of readable memory */
	if (base_read_user(kept->second, RING_NAME_SIZE, (void *)address) &&
	    base_read_user(kept->second, RING_NAME_LEAST, (void *)address))
		return 0;
	return RING_KEPT_SECOND;
}

static __always_inline void uring_keep_vector(u8 *to, u64 address, u64 count)
{
	u32 size = (count > IOV_MAX_PARTS ? IOV_MAX_PARTS : count) * sizeof(struct user_iovec);

	size &= RING_KEPT_MASK;
	if (size)
		base_read_user(to, size, (void *)address);
}

static __always_inline u32 uring_keep_message(struct ring_kept *kept, u64 address)
{
	struct user_message *message = (void *)kept->first;

	if (base_read_user(message, sizeof(*message), (void *)address))
		return 0;
	uring_keep_vector(kept->first + RING_VECTOR_AT, message->vector, message->vector_count);
	if (message->name)
		uring_keep_name(kept, message->name);
	return RING_KEPT_FIRST;
}

/* copies what an argument points at; tells which parts are filled */
static __always_inline u32 uring_keep(struct ring_kept *kept, const struct ring_entry *entry,
				      u32 source)
{
	u64 address = uring_argument(entry, source);

	switch (source) {
	case SOURCE_TEXT:
		return base_read_user_text(kept->first, RING_KEPT_PART, (void *)address) > 0
			       ? RING_KEPT_FIRST
			       : 0;
	case SOURCE_TEXT2:
		return base_read_user_text(kept->second, RING_KEPT_PART, (void *)address) > 0
			       ? RING_KEPT_SECOND
			       : 0;
	case SOURCE_NAME:
	case SOURCE_NAME2:
		return address ? uring_keep_name(kept, address) : 0;
	case SOURCE_HOW2:
		return base_read_user(kept->second, sizeof(struct open_how_user), (void *)address)
			       ? 0
			       : RING_KEPT_SECOND;
	case SOURCE_VECTOR:
		uring_keep_vector(kept->first, address, entry->length);
		return RING_KEPT_FIRST;
	case SOURCE_MESSAGE:
		return uring_keep_message(kept, address);
	}
	return 0;
}

/* The argument again when the request completes: a copy, else what it was; what points into another
 * process' memory is of no use. */
static __always_inline u64 uring_recall(u64 value, struct ring_kept *kept, u32 keeps, u32 source,
					bool foreign)
{
	if (source < SOURCE_POINTER)
		return value;
	if (source == SOURCE_TEXT && kept && keeps & RING_KEPT_FIRST)
		return (u64)kept->first;
	if (source >= SOURCE_TEXT2 && kept && keeps & RING_KEPT_SECOND)
		return (u64)kept->second;
	if (foreign)
		return 0;
	if (source >= SOURCE_MESSAGE && source < SOURCE_TEXT2 && kept && keeps & RING_KEPT_FIRST)
		return (u64)kept->first;
	return value;
}

/* a kept message points at what else was kept of it */
static __always_inline void uring_join_message(struct ring_kept *kept)
{
	struct user_message *message = (void *)kept->first;

	message->vector = (u64)kept->first + RING_VECTOR_AT;
	if (message->name)
		message->name = (u64)kept->second;
}

#endif
