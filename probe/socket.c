/*
 * Level 3: sockets. Both ends of a connection are read from the kernel's sock: own and peer
 * address, so that a record is right even when the socket was never seen before.
 */
#define FAMILY_UNIX 1
#define FAMILY_INET 2
#define FAMILY_INET6 10
#define UNIX_ADDRESS_SIZE 110

struct user_address {
	u16 family;
	u16 port;
	u32 v4;
	u64 v6[2];
	u32 scope;
};

struct ends {
	u64 own_ip[2];
	u64 peer_ip[2];
	u16 own_port;
	u16 peer_port;
};

static __always_inline struct user_address socket_read_address(struct scratch *s, u64 address)
{
	struct user_address seen = {};

	/* an IPv4 or short unix address may end at the end of readable memory */
	if (address && base_read_pointed(s, &seen, sizeof(seen), address))
		base_read_pointed(s, &seen, 16, address);
	return seen;
}

/* An abstract name begins with a NUL, which is left out; such a name ends with the address, not
 * with a NUL. `length` counts the family's two bytes. */
static __always_inline u32 socket_path_room(u32 length, bool hidden)
{
	u32 room = length > UNIX_ADDRESS_SIZE ? UNIX_ADDRESS_SIZE : length;

	return room > 3 ? (room - (hidden ? 3 : 2) + 1) & 127 : 0;
}

static __always_inline void socket_end_path(struct scratch *s, u32 before, s64 got)
{
	if (got <= 0) {
		store_at(s)[before] = 0;
		got = 1;
	}
	store_length(s, before + (got & 0xff));
}

static __always_inline void socket_append_user_path(struct scratch *s, u64 address, u32 length,
						    u32 before)
{
	u8 *at = store_at(s) + before;
	u8 first = 0;
	u32 room;

	base_read_pointed(s, &first, 1, address + 2);
	room = socket_path_room(length, !first);
	socket_end_path(s, before,
			room ? base_read_pointed_text(s, at, room, address + (first ? 2 : 3)) : 0);
}

static __always_inline void socket_append_kernel_path(struct scratch *s, void *sock, u32 before)
{
	u8 *at = store_at(s) + before;
	s64 got = 0;
#ifdef FEATURE_UNIX
	void *address = base_get(sock, struct unix_sock, addr);
	const char *path = (const char *)address + offsetof(struct unix_address, name) + 2;
	u8 first = 0;
	u32 room;

	if (address) {
		base_read_kernel(&first, 1, path);
		room = socket_path_room(base_get(address, struct unix_address, len), !first);
		if (room)
			got = base_read_kernel_text(at, room, path + (first ? 0 : 1));
	}
#endif
	socket_end_path(s, before, got);
}

static __always_inline void socket_store_address(struct scratch *s, u64 address, u32 length)
{
	struct user_address seen = socket_read_address(s, address);
	u8 *at = store_at(s);

	*at = seen.family;
	if (seen.family == FAMILY_INET) {
		*(u32 *)(at + 1) = seen.v4;
		*(u16 *)(at + 5) = bpf_ntohs(seen.port);
		store_length(s, 7);
	} else if (seen.family == FAMILY_INET6) {
		*(u64 *)(at + 1) = seen.v6[0];
		*(u64 *)(at + 9) = seen.v6[1];
		*(u16 *)(at + 17) = bpf_ntohs(seen.port);
		store_length(s, 19);
	} else if (seen.family == FAMILY_UNIX) {
		socket_append_user_path(s, address, length, 1);
	} else {
		store_empty(s);
	}
}

static __always_inline void socket_store_inet(struct scratch *s, struct ends *ends, bool from_peer)
{
	u8 *at = store_at(s);

	*at = FAMILY_INET;
	*(u32 *)(at + 1) = from_peer ? ends->peer_ip[0] : ends->own_ip[0];
	*(u16 *)(at + 5) = from_peer ? ends->peer_port : ends->own_port;
	*(u32 *)(at + 7) = from_peer ? ends->own_ip[0] : ends->peer_ip[0];
	*(u16 *)(at + 11) = from_peer ? ends->own_port : ends->peer_port;
	store_length(s, 13);
}

static __always_inline void socket_store_inet6(struct scratch *s, struct ends *ends, bool from_peer)
{
	u8 *at = store_at(s);

	*at = FAMILY_INET6;
	*(u64 *)(at + 1) = from_peer ? ends->peer_ip[0] : ends->own_ip[0];
	*(u64 *)(at + 9) = from_peer ? ends->peer_ip[1] : ends->own_ip[1];
	*(u16 *)(at + 17) = from_peer ? ends->peer_port : ends->own_port;
	*(u64 *)(at + 19) = from_peer ? ends->own_ip[0] : ends->peer_ip[0];
	*(u64 *)(at + 27) = from_peer ? ends->own_ip[1] : ends->peer_ip[1];
	*(u16 *)(at + 35) = from_peer ? ends->own_port : ends->peer_port;
	store_length(s, 37);
}

static __always_inline struct ends socket_inet_ends(struct sock_common *sock,
						    struct user_address *named)
{
	struct ends ends = {};

	ends.own_ip[0] = sock->skc_rcv_saddr;
	ends.peer_ip[0] = sock->skc_daddr;
	if (named->family == FAMILY_INET) {
		ends.peer_ip[0] = named->v4;
		ends.peer_port = bpf_ntohs(named->port);
	}
	return ends;
}

static __always_inline struct ends socket_inet6_ends(void *sock, struct user_address *named)
{
	struct ends ends = {};

	base_get_address(ends.own_ip, base_at(sock, struct sock_common, skc_v6_rcv_saddr));
	base_get_address(ends.peer_ip, base_at(sock, struct sock_common, skc_v6_daddr));
	if (named->family == FAMILY_INET6) {
		ends.peer_ip[0] = named->v6[0];
		ends.peer_ip[1] = named->v6[1];
		ends.peer_port = bpf_ntohs(named->port);
	}
	return ends;
}

static __always_inline void socket_store_unix(struct scratch *s, void *sock, u64 address,
					      u32 length, bool from_peer)
{
	u8 *at = store_at(s);
	void *peer = NULL;

#ifdef FEATURE_UNIX
	peer = base_get(sock, struct unix_sock, peer);
#endif
	*at = FAMILY_UNIX;
	*(u64 *)(at + 1) = (u64)(from_peer ? peer : sock);
	*(u64 *)(at + 9) = (u64)(from_peer ? sock : peer);
	if (address && !from_peer)
		socket_append_user_path(s, address, length, 17);
	else
		socket_append_kernel_path(s, from_peer ? sock : peer, 17);
}

/* addresses and ports of IPv4, and the family */
static __always_inline void socket_read_common(struct sock_common *common, void *sock)
{
#ifdef FEATURE_TYPED_READS
	common->skc_daddr = base_get(sock, struct sock_common, skc_daddr);
	common->skc_rcv_saddr = base_get(sock, struct sock_common, skc_rcv_saddr);
	common->skc_dport = base_get(sock, struct sock_common, skc_dport);
	common->skc_num = base_get(sock, struct sock_common, skc_num);
	common->skc_family = base_get(sock, struct sock_common, skc_family);
#else
	/* in one read */
	_Static_assert(offsetof(struct sock_common, skc_daddr) <
				       offsetof(struct sock_common, skc_family) &&
			       offsetof(struct sock_common, skc_num) <
				       offsetof(struct sock_common, skc_family),
		       "the family is the last of them");
	base_read_kernel(common,
			 offsetof(struct sock_common, skc_family) + sizeof(common->skc_family),
			 sock);
#endif
}

/* the ends of an IP socket; `named`: the peer's address where the call names one */
static __always_inline void socket_store_ends(struct scratch *s, void *sock,
					      struct sock_common *common,
					      struct user_address *named, bool from_peer)
{
	u16 family = common->skc_family;
	struct ends ends = family == FAMILY_INET ? socket_inet_ends(common, named)
						 : socket_inet6_ends(sock, named);

	ends.own_port = common->skc_num;
	if (named->family != family)
		ends.peer_port = bpf_ntohs(common->skc_dport);
	if (family == FAMILY_INET)
		socket_store_inet(s, &ends, from_peer);
	else
		socket_store_inet6(s, &ends, from_peer);
}

/* source and destination of a call on `fd`; an address given with the call names the peer */
static __always_inline void socket_store_tuple(struct scratch *s, s32 fd, u64 address, u32 length,
					       bool from_peer)
{
	void *sock = extract_sock(extract_call_file(s, fd));
	struct sock_common common;
	struct user_address named;
	u16 family;

	socket_read_common(&common, sock);
	family = common.skc_family;
	if (sock && family == FAMILY_UNIX) {
		socket_store_unix(s, sock, address, length, from_peer);
		return;
	}
	if (!sock || (family != FAMILY_INET && family != FAMILY_INET6)) {
		store_empty(s);
		return;
	}
	named = socket_read_address(s, address);
	socket_store_ends(s, sock, &common, &named, from_peer);
}

static __always_inline void socket_store_queue(struct scratch *s)
{
	void *sock = extract_sock(extract_call_file(s, s->call.args[0]));
	u32 length = base_get(sock, struct sock, sk_ack_backlog);
	u32 limit = base_get(sock, struct sock, sk_max_ack_backlog);

	store_u8(s, limit ? (u64)length * 100 / limit : 0);
	store_u32(s, length);
	store_u32(s, limit);
}

/* res fd1 fd2 source peer domain type proto */
int handle_socketpair(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	s32 fds[2] = { -1, -1 };
	u64 source = 0, peer = 0;

	if (!s)
		return 0;
	if (s->call.ret >= 0) {
		if (base_read_user(fds, sizeof(fds), (void *)s->call.args[3]))
			base_count_unreadable(s);
		source = (u64)extract_sock(extract_file((void *)bpf_get_current_task(), fds[0]));
		peer = (u64)extract_sock(extract_file((void *)bpf_get_current_task(), fds[1]));
	}
	store_begin(s, EV_SOCKET_SOCKETPAIR_X, NPARAMS_SOCKET_SOCKETPAIR_X);
	store_u64(s, s->call.ret);
	store_u64(s, fds[0]);
	store_u64(s, fds[1]);
	store_u64(s, source);
	store_u64(s, peer);
	store_u32(s, s->call.args[0]);
	store_u32(s, s->call.args[1] & SOCK_TYPE_BITS);
	store_u32(s, s->call.args[2]);
	store_send(s);
	return 0;
}
