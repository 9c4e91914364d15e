/*
 * Level 2 and 3: data spread over an array of buffers (readv, writev and their kin, sendmsg).
 */
struct user_iovec {
	u64 base;
	u64 length;
};

/* the first SNAPLEN of `limit` bytes as one parameter */
static __always_inline void vector_store(struct scratch *s, u64 vector, u64 count, u64 limit)
{
	u8 *at = store_at(s);
	u32 wanted = limit > SNAPLEN ? SNAPLEN : limit;
	u32 done = 0;

	if (!store_has_room(s))
		wanted = 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < IOV_MAX_PARTS; i++) {
		struct user_iovec part = {};
		u32 size;

		if (i >= count || done >= wanted)
			break;
		if (bpf_probe_read_user(&part, sizeof(part), (void *)(vector + i * sizeof(part))))
			break;
		size = part.length > wanted - done ? wanted - done : part.length;
		size &= COPY_MASK;
		if (size && bpf_probe_read_user(at + (done & COPY_MASK), size, (void *)part.base)) {
			base_count_unreadable();
			break;
		}
		done += size;
	}
	store_length(s, done & COPY_MASK);
}

/* how many bytes the buffers hold together */
static __always_inline u64 vector_size(u64 vector, u64 count)
{
	u64 total = 0;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < IOV_MAX_PARTS; i++) {
		struct user_iovec part = {};

		if (i >= count)
			break;
		if (bpf_probe_read_user(&part, sizeof(part), (void *)(vector + i * sizeof(part))))
			break;
		total += part.length;
	}
	return total;
}

/* readv, preadv: res size data fd [pos]; writev, pwritev: res data fd size [pos] */
int handle_vector(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct plan *plan;
	u64 size;
	s64 ret;
	u32 nr;

	if (!s)
		return 0;
	nr = s->call.nr;
	plan = plans.lookup(&nr);
	if (!plan)
		return 0;
	ret = s->call.ret;
	size = vector_size(s->call.args[1], s->call.args[2]);
	store_begin(s, plan->type, plan->nparams);
	store_u64(s, ret);
	if (plan->detail & VECTOR_READS) {
		store_u32(s, size);
		vector_store(s, s->call.args[1], s->call.args[2], ret > 0 ? ret : 0);
		store_u64(s, (s32)s->call.args[0]);
	} else {
		vector_store(s, s->call.args[1], s->call.args[2], ret > 0 ? ret : size);
		store_u64(s, (s32)s->call.args[0]);
		store_u32(s, size);
	}
	if (plan->detail & VECTOR_POSITIONED)
		store_u64(s, s->call.args[3]);
	store_send(s);
	return 0;
}
