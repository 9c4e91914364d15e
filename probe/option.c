/*
 * Level 3: socket options and poll, whose parameters have their own encodings.
 */
#define NATIVE_SOL_SOCKET 1
#define NATIVE_SOL_TCP 6
#define NATIVE_SO_ERROR 4
#define NATIVE_SO_RCVTIMEO 20
#define NATIVE_SO_SNDTIMEO 21
#define DYN_BYTES 0
#define DYN_ERRNO 1
#define DYN_U32 2
#define DYN_U64 3
#define DYN_TIME 4
#define OPTION_BYTES 64
#define POLL_MAX 16

/* a dynamic parameter: one byte naming the encoding, then the value */
static __always_inline void option_store_value(struct scratch *s, u64 address, u32 length, u32 name)
{
	u8 *at = store_at(s);
	u64 value[2] = {};

	if (!address ||
	    base_read_user(value, length >= 16 ? 16 : (length >= 8 ? 8 : (length >= 4 ? 4 : 1)),
			   (void *)address)) {
		store_empty(s);
		return;
	}
	if (name == NATIVE_SO_ERROR) {
		*at = DYN_ERRNO;
		*(u64 *)(at + 1) = -(s64)(s32)value[0];
		store_length(s, 9);
	} else if ((name == NATIVE_SO_RCVTIMEO || name == NATIVE_SO_SNDTIMEO) && length >= 16) {
		*at = DYN_TIME;
		*(u64 *)(at + 1) = value[0] * 1000000000ULL + value[1] * 1000;
		store_length(s, 9);
	} else if (length == 4) {
		*at = DYN_U32;
		*(u32 *)(at + 1) = value[0];
		store_length(s, 5);
	} else if (length == 8) {
		*at = DYN_U64;
		*(u64 *)(at + 1) = value[0];
		store_length(s, 9);
	} else {
		u32 size = (length > OPTION_BYTES - 1 ? OPTION_BYTES - 1 : length) &
			   (OPTION_BYTES - 1);

		*at = DYN_BYTES;
		if (size)
			base_read_user(at + 1, size, (void *)address);
		store_length(s, size + 1);
	}
}

/* res fd level optname val optlen */
int handle_option(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	u32 level, name, length;
	bool reads, socket_level;

	if (!s)
		return 0;
	reads = s->call.nr == NATIVE_NR_GETSOCKOPT;
	level = s->call.args[1];
	name = s->call.args[2];
	length = s->call.args[4];
	socket_level = level == NATIVE_SOL_SOCKET;
	if (reads)
		base_read_user(&length, sizeof(length), (void *)s->call.args[4]);
	store_begin(s, reads ? EV_SOCKET_GETSOCKOPT_X : EV_SOCKET_SETSOCKOPT_X,
		    NPARAMS_SOCKET_SETSOCKOPT_X);
	store_u64(s, s->call.ret);
	store_u64(s, (s32)s->call.args[0]);
	store_u8(s, socket_level ? PPM_SOCKOPT_LEVELS_SOL_SOCKET
				 : (level == NATIVE_SOL_TCP ? PPM_SOCKOPT_LEVELS_SOL_TCP : 0));
	store_u8(s, socket_level ? extract_conversion(CONVERSION_SOCKOPT, name) : 0);
	if (reads && s->call.ret < 0)
		store_empty(s);
	else
		option_store_value(s, s->call.args[3], length, socket_level ? name : 0);
	store_u32(s, length);
	store_send(s);
	return 0;
}

struct user_pollfd {
	s32 fd;
	s16 events;
	s16 seen;
};

/* u16 count, then fd and returned events of each */
static __always_inline void option_store_polled(struct scratch *s, u64 address, u64 count)
{
	u8 *at = store_at(s);
	u32 done = 0;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < POLL_MAX; i++) {
		struct user_pollfd one = {};
		u8 *entry = at + 2 + i * 10;

		if (i >= count ||
		    base_read_user(&one, sizeof(one), (void *)(address + i * sizeof(one))))
			break;
		*(s64 *)entry = one.fd;
		*(u16 *)(entry + 8) =
			extract_conversion_of(CONVERSION_POLL, (u16)one.seen, POLL_PAIRS);
		done++;
	}
	*(u16 *)at = done;
	store_length(s, 2 + done * 10);
}

/* poll: res fds timeout; ppoll: res fds timeout sigmask */
int handle_poll(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	u64 pair[2] = {};
	u32 mask = 0;
	bool signals;

	if (!s)
		return 0;
	signals = s->call.nr == NATIVE_NR_PPOLL;
	store_begin(s, signals ? EV_SYSCALL_PPOLL_X : EV_SYSCALL_POLL_X,
		    signals ? NPARAMS_SYSCALL_PPOLL_X : NPARAMS_SYSCALL_POLL_X);
	store_u64(s, s->call.ret);
	option_store_polled(s, s->call.args[0], s->call.args[1]);
	if (!signals) {
		store_u64(s, (s32)s->call.args[2]);
		store_send(s);
		return 0;
	}
	if (s->call.args[2] && !base_read_user(pair, sizeof(pair), (void *)s->call.args[2]))
		store_u64(s, pair[0] * 1000000000ULL + pair[1]);
	else
		store_u64(s, -1);
	if (s->call.args[3])
		base_read_user(&mask, sizeof(mask), (void *)s->call.args[3]);
	store_u32(s, mask);
	store_send(s);
	return 0;
}
