/*
 * Level 3: what a socket is that no event has told.
 */
#define STATE_LISTEN 10
#define TYPE_STREAM 1
#define TYPE_RAW 3
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMP6 58
#define PROTOCOL_MPTCP 262
#define FAMILY_NETLINK 16
#define BOUND_ADDRESS 4
#define BOUND_PORT 8
#define BOUND_BY_CONNECT 16

/* what a socket's FD record says besides its addresses */
struct told_socket {
	u8 type;
	u8 l4;
	u8 role;
	u8 has_tuple;
};

static __always_inline u8 tell_l4(void *sock)
{
	u16 protocol = base_get(sock, struct sock, sk_protocol);

	if (base_get(sock, struct sock, sk_type) == TYPE_RAW)
		return L4_RAW;
	if (protocol == PROTOCOL_TCP || protocol == PROTOCOL_MPTCP)
		return L4_TCP;
	if (protocol == PROTOCOL_UDP)
		return L4_UDP;
	return protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMP6 ? L4_ICMP : L4_UNKNOWN;
}

/* what bind(), connect() and setsockopt() fixed; where it is half a byte, its own has no other name than that of the next */
static __always_inline u8 tell_locks(void *sock)
{
#ifdef FEATURE_USERLOCKS_BITS
	u8 bits = 0;

	base_read_kernel(&bits, sizeof(bits), base_at(sock, struct sock, sk_pacing_shift) - 1);
	return bits >> 4;
#else
	return base_get(sock, struct sock, sk_userlocks);
#endif
}

/* Which end of its connection a socket is. A port that bind() took belongs to a bucket that says
 * whether it may be reused; one that connect() chose to a bucket with -1 there. An accepted socket is in the
 * listener's bucket, but does not hold the port itself. */
static __always_inline bool tell_is_client(void *sock, u8 l4)
{
	u8 locks = tell_locks(sock);
	void *bucket;

	if (l4 != L4_TCP)
		return !(locks & BOUND_PORT);
	if (locks & (BOUND_PORT | BOUND_BY_CONNECT))
		return true;
	bucket = base_get(sock, struct inet_connection_sock, icsk_bind_hash);
	return bucket && base_get(bucket, struct inet_bind_bucket, fastreuse) < 0;
}

static __always_inline struct told_socket tell_look_ip(struct scratch *s, void *sock, bool v6)
{
	struct told_socket told = { .type = v6 ? FD_IPV6 : FD_IPV4, .l4 = tell_l4(sock) };
	u8 locks = tell_locks(sock);
	u8 state = base_get(sock, struct sock_common, skc_state);
	bool own = base_get(sock, struct sock_common, skc_num);
	bool peer = base_get(sock, struct sock_common, skc_dport);
	/* a datagram socket has a port of its own after its first packet too */
	bool bound = told.l4 == L4_TCP || locks & (BOUND_ADDRESS | BOUND_PORT) ||
		     s->touch.due & TOUCH_AGAIN;

	if (state == STATE_LISTEN || (own && !peer && bound)) {
		told.type = v6 ? FD_IPV6_LISTENER : FD_IPV4_LISTENER;
		told.role = ROLE_SERVER;
		told.has_tuple = 1;
	} else if (peer) {
		told.role = tell_is_client(sock, told.l4) ? ROLE_CLIENT : ROLE_SERVER;
		told.has_tuple = 1;
	}
	return told;
}

static __always_inline struct told_socket tell_look_unix(void *sock)
{
	struct told_socket told = { .type = FD_UNIX, .l4 = L4_NONE, .role = ROLE_CLIENT };

#ifdef FEATURE_UNIX
	told.has_tuple = 1;
	if (base_get(sock, struct unix_sock, addr))
		told.role = ROLE_SERVER;
#endif
	return told;
}

static __always_inline struct told_socket tell_look_socket(struct scratch *s, void *sock)
{
	struct told_socket told = { .type = FD_UNSUPPORTED, .l4 = L4_NONE };
	u16 family = base_get(sock, struct sock_common, skc_family);

	if (family == FAMILY_INET || family == FAMILY_INET6)
		return tell_look_ip(s, sock, family == FAMILY_INET6);
	if (family == FAMILY_UNIX)
		return tell_look_unix(sock);
	if (family == FAMILY_NETLINK)
		told.type = FD_NETLINK;
	return told;
}

static __always_inline void tell_tuple(struct scratch *s, void *sock, struct told_socket *told)
{
	struct user_address nobody = {};
	bool server = told->role == ROLE_SERVER;
	struct sock_common common;

	if (!told->has_tuple) {
		store_empty(s);
		return;
	}
	socket_read_common(&common, sock);
	if (common.skc_family == FAMILY_UNIX) {
		socket_store_unix(s, sock, 0, 0, server);
		return;
	}
	socket_store_ends(s, sock, &common, &nobody, server);
}
