/*
 * Level 3: what is asked for through an io_uring, told as the system call it stands for.
 *
 * A request is remembered when it is taken from the ring, in the context of whoever submits it, and
 * told when it completes: by the submitter, by a worker thread that shares its memory and files, or
 * seldom by anybody else, who can tell no data. The rows of ring_plans say which call an operation
 * stands for (capture/uring.py).
 */
#ifdef FEATURE_URING

#define RING_ARGUMENTS 6
#define RING_BUFFER_SELECT (1 << 5)
#define RING_SILENT_SUCCESS (1 << 6)
#define FILE_MODE_STREAM 0x200000

struct ring_plan {
	u16 nr;	       /* the call an operation stands for */
	u16 stream_nr; /* the same on files without a position */
	u8 known;
	u8 takes_slot; /* can work on a slot of the ring's own table instead of an fd */
	u8 repeats;    /* bits of the entry's priority that ask for many completions */
	u8 chosen;     /* which member tells the buffer that the kernel chose */
	u8 sources[8]; /* of the call's arguments */
};

struct ring_call {
	u64 ts;
	u64 cgroup_id;
	u64 memory;
	u64 args[6];
	u32 tid;
	u32 pid;
	u8 opcode;
	u8 flags;
	u8 direct;
	u8 keeps;
};

struct ring_shot {
	u64 ring;
	u64 user_data;
};

BPF_TABLE("array", u32, struct ring_plan, ring_plans, RING_PLAN_COUNT);
BPF_TABLE("lru_hash", u64, struct ring_call, ring_calls, 16384);
BPF_TABLE("lru_hash", u64, struct ring_kept, ring_kepts, 1024);
/* requests that complete many times, each time but the last without naming themselves */
BPF_TABLE("lru_hash", struct ring_shot, u64, ring_shots, 4096);

/* Whoever filled the ring: the current thread, but when a kernel thread takes requests on its own any thread
 * of the process can have done it, which its main thread then stands for. */
static __always_inline void uring_take_owner(struct ring_call *call, void *ring)
{
	u64 id = bpf_get_current_pid_tgid();

	call->pid = id >> 32;
	call->tid = base_get(ring, struct io_ring_ctx, flags) & RING_SETUP_SQPOLL ? call->pid : id;
}

static __always_inline void uring_keep_all(struct scratch *s, u64 request, struct ring_call *call,
					   const struct ring_entry *entry, struct ring_plan *plan)
{
	struct ring_kept *kept = (void *)s->text;

#pragma unroll
	for (u32 i = 0; i < RING_ARGUMENTS; i++) {
		call->args[i] = uring_argument(entry, plan->sources[i]);
		call->keeps |= uring_keep(kept, entry, plan->sources[i]);
	}
	if (!call->keeps)
		return;
	kept->ts = call->ts;
	ring_kepts.update(&request, kept);
}

static __always_inline void uring_remember(struct scratch *s, void *ring, u64 request,
					   const struct ring_entry *entry, struct ring_plan *plan)
{
	void *task = (void *)bpf_get_current_task();
	struct ring_shot shot = {};
	struct ring_call call = {};

	uring_take_owner(&call, ring);
	if (call.pid == TRACER_PID)
		return;
	call.ts = base_now();
	call.cgroup_id = extract_cgroup_id(task);
	call.memory = (u64)base_get(task, struct task_struct, mm);
	call.opcode = entry->opcode;
	call.flags = entry->flags;
	call.direct = plan->takes_slot && entry->file_index;
	uring_keep_all(s, request, &call, entry, plan);
	ring_calls.update(&request, &call);
	if (entry->priority & plan->repeats || plan->repeats == RING_REPEATS_ALWAYS) {
		shot.ring = (u64)ring;
		shot.user_data = entry->user_data;
		ring_shots.update(&shot, &request);
	}
}

/* the buffer that the kernel chose out of those provided, as the request names it then */
static __always_inline u64 uring_chosen_buffer(u64 request, struct ring_plan *plan)
{
#ifdef FEATURE_URING_CHOSEN
	if (plan->chosen == RING_CHOSEN_READ)
		return base_get(request, struct io_rw, addr);
	if (plan->chosen == RING_CHOSEN_RECEIVE) {
		u64 buffer = (u64)base_get(request, struct io_sr_msg, buf);

		/* since 6.17 only the iterator of what is received tells it, while the request goes on */
		return buffer ? buffer
			      : (u64)base_get(base_get(request, struct io_kiocb, async_data),
					      struct io_async_msghdr, msg.msg_iter.ubuf);
	}
#endif
	return 0;
}

static __always_inline void uring_recall_all(struct scratch *s, u64 request, struct ring_call *call,
					     struct ring_plan *plan)
{
	void *task = (void *)bpf_get_current_task();
	bool foreign = call->memory != (u64)base_get(task, struct task_struct, mm);
	struct ring_kept *kept = call->keeps ? ring_kepts.lookup(&request) : NULL;

	/* the memory of a request is used again and again: what was kept may be of another one */
	if (kept && kept->ts != call->ts)
		kept = NULL;
	if (kept && plan->sources[1] == SOURCE_MESSAGE)
		uring_join_message(kept);
	s->call.kept = (u64)kept;
#pragma unroll
	for (u32 i = 0; i < RING_ARGUMENTS; i++)
		s->call.args[i] =
			uring_recall(call->args[i], kept, call->keeps, plan->sources[i], foreign);
	if (call->flags & RING_BUFFER_SELECT)
		s->call.args[1] = foreign ? 0 : uring_chosen_buffer(request, plan);
	if (call->direct && plan->takes_slot == RING_SLOT_CLOSED)
		s->call.args[0] = -1;
}

/* makes ready for the record of a request; the rest is the handler's */
static __always_inline void uring_fill(struct scratch *s, u64 request, struct ring_call *call,
				       struct ring_plan *plan, s64 result)
{
	u64 now = base_now();
	u32 mode;

	s->call.ts = now;
	s->call.latency = now - call->ts;
	s->call.cgroup_id = call->cgroup_id;
	s->call.ret = result;
	s->call.tid = call->tid;
	s->call.pid = call->pid;
	s->call.cpu = (u16)bpf_get_smp_processor_id();
	s->call.flags = RECORD_FLAG_IO_URING;
	s->call.snaplen = SNAPLEN;
	s->call.task = 0;
	s->call.direct = call->direct;
	s->call.file = (u64)base_get(request, struct io_kiocb, file);
	s->transfer.item = 0;
	mode = base_get(s->call.file, struct file, f_mode);
	s->call.nr = mode & FILE_MODE_STREAM || call->args[3] == -1 ? plan->stream_nr : plan->nr;
	uring_recall_all(s, request, call, plan);
}

static __always_inline struct ring_plan *uring_plan(u32 opcode)
{
	struct ring_plan *plan = ring_plans.lookup(&opcode);

	return plan && plan->known ? plan : NULL;
}

static __always_inline void uring_submit(struct bpf_raw_tracepoint_args *ctx, u64 request,
					 const void *at)
{
	void *ring = base_get(request, struct io_kiocb, ctx);
	struct scratch *s = base_scratch();
	struct ring_entry entry = {};
	struct ring_plan *plan;
	struct ring_call *call;

	base_read_kernel(&entry, sizeof(entry), at ? at : uring_last_entry(ring));
	plan = uring_plan(entry.opcode);
	/* the program can write to the ring all the time: what does not fit the request is no use */
	if (!s || !plan || entry.opcode != base_get(request, struct io_kiocb, opcode))
		return;
	uring_remember(s, ring, request, &entry, plan);
	if (!(entry.flags & RING_SILENT_SUCCESS))
		return;
	/* only a failure will be heard of again */
	call = ring_calls.lookup(&request);
	if (!call)
		return;
	uring_fill(s, request, call, plan, -NATIVE_EINPROGRESS);
	s->call.latency = 0;
	if (!overhead_wants(s, base_call_plan(s)))
		return;
	touch_ring_call(s);
	handlers.call(ctx, HANDLER_TOUCH);
}

int on_io_uring_submit_req(struct bpf_raw_tracepoint_args *ctx)
{
	uring_submit(ctx, ctx->args[0], NULL);
	return 0;
}

/* the same in kernels before 6.3 */
int on_io_uring_submit_sqe(struct bpf_raw_tracepoint_args *ctx)
{
	uring_submit(ctx, ctx->args[0], NULL);
	return 0;
}

/* a request that was refused when it was taken; its completion follows */
int on_io_uring_req_failed(struct bpf_raw_tracepoint_args *ctx)
{
	uring_submit(ctx, ctx->args[1], (void *)ctx->args[0]);
	return 0;
}

/* Completions of a request with many come without its address, but for the last one. */
static __always_inline u64 uring_find_request(u64 ring, u64 request, u64 user_data)
{
	struct ring_shot shot = { .ring = ring, .user_data = user_data };
	u64 *found;

	if (request)
		return request;
	found = ring_shots.lookup(&shot);
	return found ? *found : 0;
}

int on_io_uring_complete(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct ring_plan *plan;
	struct ring_call *call;
	u64 request, user_data;
	s32 result;

#ifdef FEATURE_URING_CQE
	user_data = base_get(ctx->args[2], struct io_uring_cqe, user_data);
	result = base_get(ctx->args[2], struct io_uring_cqe, res);
#else
	user_data = ctx->args[2];
	result = ctx->args[3];
#endif
	request = uring_find_request(ctx->args[0], ctx->args[1], user_data);
	call = request ? ring_calls.lookup(&request) : NULL;
	if (!s || !call)
		return 0;
	plan = uring_plan(call->opcode);
	if (!plan)
		return 0;
	uring_fill(s, request, call, plan, result);
	if (ctx->args[1])
		ring_calls.delete(&request);
	else
		s->call.latency = 0;
	if (!overhead_wants(s, base_call_plan(s)))
		return 0;
	touch_ring_call(s);
	handlers.call(ctx, HANDLER_TOUCH);
	return 0;
}

#endif

/* the commonest calls right here, the others in the handler of their family, as for system calls */
int handle_uring(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct plan *plan;

	if (!s)
		return 0;
	plan = base_call_plan(s);
	if (!plan)
		return 0;
	if (syscall_store_common(s, plan))
		store_send(s);
	else
		handlers.call(ctx, plan->handler);
	return 0;
}
