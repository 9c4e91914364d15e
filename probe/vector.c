/*
 * Level 2: data spread over an array of buffers (readv, writev and their kin, sendmsg).
 */
struct user_iovec {
	u64 base;
	u64 length;
};

/* The counts kept from one buffer to the next are in the scratch, not in registers: the verifier
 * then sees the same state at each turn of a loop and is done with it at once. */

/* as much of `limit` bytes as is kept, as one parameter */
static __always_inline void vector_store(struct scratch *s, u64 vector, u64 count, u64 limit)
{
	u8 *at = store_at(s);

	s->call.wanted = limit > base_snaplen(s) ? base_snaplen(s) : limit;
	s->call.done = 0;
	if (!store_has_room(s))
		s->call.wanted = 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < IOV_MAX_PARTS; i++) {
		struct user_iovec part = {};
		u64 left = s->call.wanted - s->call.done;
		u32 size, done = s->call.done & COPY_MASK;

		if (i >= count || !left)
			break;
		if (base_read_pointed(s, &part, sizeof(part), vector + i * sizeof(part)))
			break;
		size = (part.length > left ? left : part.length) & COPY_MASK;
		if (size && base_read_user(at + done, size, (void *)part.base)) {
			base_count_unreadable(s);
			break;
		}
		s->call.done += size;
	}
	store_length(s, s->call.done & COPY_MASK);
}

/* how many bytes the buffers hold together */
static __always_inline u64 vector_size(struct scratch *s, u64 vector, u64 count)
{
	s->call.done = 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < IOV_MAX_PARTS; i++) {
		struct user_iovec part = {};

		if (i >= count)
			break;
		if (base_read_pointed(s, &part, sizeof(part), vector + i * sizeof(part)))
			break;
		s->call.done += part.length;
	}
	return s->call.done;
}
