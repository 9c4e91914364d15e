/*
 * Level 3: calls that move data through vectors or sockets, and those that connect. Their
 * arguments are brought into one form first; the plan's steps then give the parameters' order,
 * so that every parameter's making exists once.
 */
#define USER_MMSG_SIZE 64
#define MESSAGES_MAX 32
#define CONTROL_MAX 4095

struct user_message {
	u64 name;
	u64 name_length;
	u64 vector;
	u64 vector_count;
	u64 control;
	u64 control_length;
	u64 flags;
};

static __always_inline void transfer_take_message(struct scratch *s, struct transfer *t)
{
	struct user_message message = {};
	u64 address = s->call.args[1] + t->item * USER_MMSG_SIZE;

	if (base_read_pointed(s, &message, sizeof(message), address))
		base_count_unreadable(s);
	t->vector = message.vector;
	t->count = message.vector_count;
	t->address = message.name;
	t->address_length = message.name_length;
	t->control = message.control;
	t->control_length = message.control_length;
}

/* one of several messages has its own length behind its header */
static __always_inline void transfer_take_length(struct scratch *s, struct transfer *t)
{
	u64 address = s->call.args[1] + t->item * USER_MMSG_SIZE + sizeof(struct user_message);
	u32 length = 0;

	if (s->call.ret <= 0)
		return;
	if (base_read_user(&length, sizeof(length), (void *)address))
		base_count_unreadable(s);
	t->result = length;
}

static __always_inline void transfer_take_arguments(struct scratch *s, struct transfer *t, u32 kind)
{
	if (kind == TRANSFER_FLAT) {
		t->base = s->call.args[1];
		t->size = s->call.args[2];
		t->address = s->call.args[4];
		t->address_length = s->call.args[5];
	} else if (kind == TRANSFER_VECTOR) {
		t->vector = s->call.args[1];
		t->count = s->call.args[2];
	} else if (kind == TRANSFER_ADDRESS) {
		t->address = s->call.args[1];
		t->address_length = s->call.args[2];
		if (s->call.ret && s->call.ret != -NATIVE_EINPROGRESS)
			t->fd = -1;
	} else if (kind == TRANSFER_ACCEPT) {
		/* of a slot of a ring's own table there is nothing to tell */
		t->fd = base_is_ring_call(s) && s->call.direct ? -1 : s->call.ret;
	} else {
		transfer_take_message(s, t);
		if (kind == TRANSFER_MESSAGES)
			transfer_take_length(s, t);
	}
}

static __always_inline void transfer_gather(struct scratch *s, u32 detail)
{
	struct transfer *t = &s->transfer;

	t->base = t->vector = t->count = t->size = 0;
	t->address = t->control = t->control_length = 0;
	t->result = s->call.ret;
	t->fd = s->call.args[0];
	t->from_peer = detail & TRANSFER_RECEIVES;
	transfer_take_arguments(s, t, detail & TRANSFER_KIND);
	if (t->vector)
		t->size = vector_size(s, t->vector, t->count);
	/* a failed write shows what it was given, a failed read has nothing to show */
	t->limit = t->result > 0 ? t->result : (t->from_peer ? 0 : t->size);
	if (t->from_peer && s->call.ret < 0) {
		t->fd = -1;
		t->control_length = 0;
	}
}

static __always_inline void transfer_store_data(struct scratch *s, struct transfer *t)
{
	if (t->vector)
		vector_store(s, t->vector, t->count, t->limit);
	else
		store_user_bytes(s, t->base, t->limit, base_snaplen(s));
}

static __always_inline void transfer_store_integer(struct scratch *s, struct step step)
{
	u64 value = params_arg(s, step.arg);
	u32 conversion = step.arg >> 3;

	if (step.op == OP_RET) {
		store_result(s, s->transfer.result);
		return;
	}
	if (step.op == OP_FD)
		value = (s32)value;
	else if (step.op == OP_SIZE)
		value = s->transfer.size;
	else if (conversion)
		value = extract_conversion(conversion, value);
	store_sized(s, value, step.size);
}

static __always_inline void transfer_store(struct scratch *s, struct step step)
{
	struct transfer *t = &s->transfer;

	if (step.op == OP_DATA)
		transfer_store_data(s, t);
	else if (step.op == OP_TUPLE)
		socket_store_tuple(s, t->fd, t->address, t->address_length, t->from_peer);
	else if (step.op == OP_ADDRESS)
		socket_store_address(s, t->address, t->address_length);
	else if (step.op == OP_CONTROL)
		store_user_bytes(s, t->control, t->control_length,
				 SNAPLEN > CONTROL_MAX ? CONTROL_MAX : SNAPLEN);
	else if (step.op == OP_QUEUE)
		socket_store_queue(s);
	else
		transfer_store_integer(s, step);
}

/* Of several messages each is a record of its own: the program calls itself for the next one,
 * which the kernel allows 33 times. */
int handle_transfer(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct plan *plan;

	if (!s)
		return 0;
	plan = base_call_plan(s);
	if (!plan)
		return 0;
	transfer_gather(s, plan->detail);
	store_begin(s, plan->type, plan->nparams);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < PLAN_PARAMS; i++) {
		struct step step = plan->steps[i];

		if (step.op == OP_END)
			break;
		transfer_store(s, step);
	}
	store_send(s);
	s->transfer.item++;
	if ((plan->detail & TRANSFER_KIND) == TRANSFER_MESSAGES &&
	    s->transfer.item < MESSAGES_MAX && (s64)s->transfer.item < s->call.ret)
		handlers.call(ctx, HANDLER_TRANSFER);
	return 0;
}
