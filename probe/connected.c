/*
 * Level 3: data through connected TCP and UDP sockets. Such calls are as common as reads and writes, so their record is made
 * where the call ends: a program of its own and a plan's steps (transfer.c), which serve all others, take 35 ns more.
 */

/* the ends of an IP socket, as one parameter; false when it is none, and nothing is stored */
static __always_inline bool connected_store_ends(struct scratch *s, void *sock, bool from_peer)
{
	struct user_address unnamed = {};
	struct sock_common common;

	socket_read_common(&common, sock);
	if (common.skc_family != FAMILY_INET && common.skc_family != FAMILY_INET6)
		return false;
	socket_store_ends(s, sock, &common, &unnamed, from_peer);
	return true;
}

/* res data fd size tuple */
static __always_inline bool connected_store_sent(struct scratch *s, void *sock)
{
	u64 size = s->call.args[2];

	store_u64(s, s->call.ret);
	/* a failed call shows what it was given */
	store_user_bytes(s, s->call.args[1], s->call.ret > 0 ? s->call.ret : size, base_snaplen(s));
	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, size);
	return connected_store_ends(s, sock, false);
}

/* res data tuple fd size */
static __always_inline bool connected_store_received(struct scratch *s, void *sock)
{
	store_u64(s, s->call.ret);
	store_user_bytes(s, s->call.args[1], s->call.ret > 0 ? s->call.ret : 0, base_snaplen(s));
	if (s->call.ret < 0)
		store_empty(s);
	else if (!connected_store_ends(s, sock, true))
		return false;
	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, s->call.args[2]);
	return true;
}

/* Whether the record was made: of a call that names no address, on an IP socket. */
static __always_inline bool connected_store(struct scratch *s, struct plan *plan)
{
	bool receives = plan->detail & TRANSFER_RECEIVES;
	void *sock;

	if ((plan->detail & TRANSFER_KIND) != TRANSFER_FLAT || s->call.args[4])
		return false;
	sock = extract_sock(extract_call_file(s, s->call.args[0]));
	if (!sock)
		return false;
	store_begin(s, plan->type, plan->nparams);
	return receives ? connected_store_received(s, sock) : connected_store_sent(s, sock);
}
