/*
 * Level 3: data over sockets: sendto, sendmsg, sendmmsg and their receiving twins.
 */
static __always_inline struct user_message message_read(u64 address)
{
	struct user_message seen = {};

	if (bpf_probe_read_user(&seen, sizeof(seen), (void *)address))
		base_count_unreadable();
	return seen;
}

static __always_inline void message_store_control(struct scratch *s, struct user_message *message)
{
	store_user_bytes(s, message->control, message->control_length);
}

/* res data fd size tuple */
int handle_sendto(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	s64 ret;

	if (!s)
		return 0;
	ret = s->call.ret;
	store_begin(s, EV_SOCKET_SENDTO_X, NPARAMS_SOCKET_SENDTO_X);
	store_u64(s, ret);
	store_user_bytes(s, s->call.args[1], ret > 0 ? ret : s->call.args[2]);
	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, s->call.args[2]);
	socket_store_tuple(s, s->call.args[0], s->call.args[4], SOCKET_OWN_TO_PEER);
	store_send(s);
	return 0;
}

/* res data tuple fd size */
int handle_recvfrom(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	s64 ret;

	if (!s)
		return 0;
	ret = s->call.ret;
	store_begin(s, EV_SOCKET_RECVFROM_X, NPARAMS_SOCKET_RECVFROM_X);
	store_u64(s, ret);
	store_user_bytes(s, s->call.args[1], ret > 0 ? ret : 0);
	if (ret >= 0)
		socket_store_tuple(s, s->call.args[0], s->call.args[4], SOCKET_PEER_TO_OWN);
	else
		store_empty(s);
	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, s->call.args[2]);
	store_send(s);
	return 0;
}

/* res data fd size tuple */
int handle_sendmsg(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct user_message message;
	u64 size;
	s64 ret;

	if (!s)
		return 0;
	ret = s->call.ret;
	message = message_read(s->call.args[1]);
	size = vector_size(s, message.vector, message.vector_count);
	store_begin(s, EV_SOCKET_SENDMSG_X, NPARAMS_SOCKET_SENDMSG_X);
	store_u64(s, ret);
	vector_store(s, message.vector, message.vector_count, ret > 0 ? ret : size);
	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, size);
	socket_store_tuple(s, s->call.args[0], message.name, SOCKET_OWN_TO_PEER);
	store_send(s);
	return 0;
}

/* res size data tuple msgcontrol fd */
int handle_recvmsg(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct user_message message;
	s64 ret;

	if (!s)
		return 0;
	ret = s->call.ret;
	message = message_read(s->call.args[1]);
	store_begin(s, EV_SOCKET_RECVMSG_X, NPARAMS_SOCKET_RECVMSG_X);
	store_u64(s, ret);
	store_u32(s, vector_size(s, message.vector, message.vector_count));
	vector_store(s, message.vector, message.vector_count, ret > 0 ? ret : 0);
	if (ret >= 0) {
		socket_store_tuple(s, s->call.args[0], message.name, SOCKET_PEER_TO_OWN);
		message_store_control(s, &message);
	} else {
		store_empty(s);
		store_empty(s);
	}
	store_u64(s, (s32)s->call.args[0]);
	store_send(s);
	return 0;
}

/* One record per message: res fd size data tuple [msgcontrol], res being the message's own
 * length. The program calls itself for the next message, which the kernel allows 33 times. */
int handle_messages(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct user_message message;
	bool receives;
	u32 length = 0, item;
	u64 address;

	if (!s)
		return 0;
	item = s->call.item;
	receives = s->call.nr == NATIVE_NR_RECVMMSG;
	address = s->call.args[1] + item * USER_MMSG_SIZE;
	message = message_read(address);
	if (s->call.ret > 0)
		bpf_probe_read_user(&length, sizeof(length), (void *)(address + sizeof(message)));
	store_begin(s, receives ? EV_SOCKET_RECVMMSG_X : EV_SOCKET_SENDMMSG_X,
		    receives ? NPARAMS_SOCKET_RECVMMSG_X : NPARAMS_SOCKET_SENDMMSG_X);
	store_u64(s, s->call.ret > 0 ? length : s->call.ret);
	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, vector_size(s, message.vector, message.vector_count));
	vector_store(s, message.vector, message.vector_count, length);
	if (s->call.ret >= 0)
		socket_store_tuple(s, s->call.args[0], message.name, receives);
	else
		store_empty(s);
	if (receives)
		message_store_control(s, &message);
	store_send(s);
	s->call.item = item + 1;
	if ((s64)(item + 1) < s->call.ret && item + 1 < MESSAGES_MAX)
		handlers.call(ctx, HANDLER_MESSAGES);
	return 0;
}
