/*
 * Level 3: calls whose parameters depend on what they are asked to do. The plan's detail byte says which call it is.
 */
#define KEYCTL_TEXTS 4	 /* arguments 2 to 5 */
#define KEYCTL_INTEGER 0 /* of keyctl_dynamic_param */
#define KEYCTL_TEXT 1
#define PTRACE_NUMBER 0 /* of ptrace_dynamic_param */
#define PTRACE_SIGNAL 1
#define SEMOP_SIZE 6
#define RING_EXTENDED 8
#define RING_EXTENDED_REGISTERED 0x40
#define SUBCOMMAND_SHIFT 8
#define QUOTA_ON 0x800002
#define QUOTA_GET_FORMAT 0x800004
#define QUOTA_GET_INFO 0x800005
#define QUOTA_SET_INFO 0x800006
#define QUOTA_GET 0x800007
#define QUOTA_SET 0x800008
#define QUOTA_XGET 0x5803
#define QUOTA_XSET 0x5804
#define QUOTA_HAS_BLOCK_TIME 16
#define QUOTA_HAS_INODE_TIME 32
#define QUOTA_HAS_BLOCK_GRACE 1
#define QUOTA_HAS_INODE_GRACE 2
#define QUOTA_HAS_FLAGS 4
#define SECOND 1000000000ULL

/* a parameter that tells its own type: the number of that type, then the value */
static __always_inline void rare_store_variant(struct scratch *s, u8 variant, u64 value, u32 size)
{
	u8 *at = store_at(s);

	*at = variant;
	*(u64 *)(at + 1) = value;
	store_length(s, 1 + size);
}

static __always_inline void rare_store_integer_or_text(struct scratch *s, u64 value, bool is_text)
{
	u8 *at = store_at(s);
	s64 got;

	if (!is_text || !value || !store_has_room(s)) {
		rare_store_variant(s, KEYCTL_INTEGER, value, 8);
		return;
	}
	*at = KEYCTL_TEXT;
	got = base_read_user_text(at + 1, TEXT_MAX, (void *)value);
	if (got < 0)
		base_count_unreadable(s);
	store_length(s, got > 0 ? (got & 0x1fff) + 1 : 0);
}

/* which of the arguments 2 to 5 are texts, as bits; what describes a key was written by the call */
static __always_inline u32 rare_keyctl_texts(struct scratch *s)
{
	switch ((u32)s->call.args[0]) {
	case PPM_KEYCTL_OPERATIONS_KEYCTL_JOIN_SESSION_KEYRING:
		return 1;
	case PPM_KEYCTL_OPERATIONS_KEYCTL_DESCRIBE:
	case PPM_KEYCTL_OPERATIONS_KEYCTL_GET_SECURITY:
		return s->call.ret > 0 && s->call.args[3] >= s->call.ret ? 2 : 0;
	case PPM_KEYCTL_OPERATIONS_KEYCTL_SEARCH:
	case PPM_KEYCTL_OPERATIONS_KEYCTL_RESTRICT_KEYRING:
		return 2 | 4;
	case PPM_KEYCTL_OPERATIONS_KEYCTL_PKEY_QUERY:
		return 4;
	case PPM_KEYCTL_OPERATIONS_KEYCTL_PKEY_ENCRYPT:
	case PPM_KEYCTL_OPERATIONS_KEYCTL_PKEY_DECRYPT:
	case PPM_KEYCTL_OPERATIONS_KEYCTL_PKEY_SIGN:
	case PPM_KEYCTL_OPERATIONS_KEYCTL_PKEY_VERIFY:
		return 2;
	}
	return 0;
}

/* res operation arg2 arg3 arg4 arg5 */
static __always_inline void rare_keyctl(struct scratch *s)
{
	u32 texts = rare_keyctl_texts(s);

	store_u32(s, s->call.args[0]);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < KEYCTL_TEXTS; i++)
		rare_store_integer_or_text(s, s->call.args[1 + (i & 3)], texts >> i & 1);
}

/* what a peek found is where `data` points */
static __always_inline u64 rare_peeked(struct scratch *s, u64 data)
{
	u64 found = 0;
	s64 failed;

	if (s->call.flags & RECORD_FLAG_COMPAT32)
		failed = base_read_user(&found, 4, (void *)data);
	else
		failed = base_read_user(&found, 8, (void *)data);
	if (failed)
		base_count_unreadable(s);
	return found;
}

/* data: a signal, a word of the other's memory, or whatever the request takes it for */
static __always_inline void rare_ptrace_data(struct scratch *s, u32 request)
{
	u64 data = s->call.args[3];

	switch (request) {
	case PPM_PTRACE_REQUESTS_PTRACE_CONT:
	case PPM_PTRACE_REQUESTS_PTRACE_SINGLESTEP:
	case PPM_PTRACE_REQUESTS_PTRACE_DETACH:
	case PPM_PTRACE_REQUESTS_PTRACE_SYSCALL:
		rare_store_variant(s, PTRACE_SIGNAL, data, 1);
		return;
	case PPM_PTRACE_REQUESTS_PTRACE_PEEKTEXT:
	case PPM_PTRACE_REQUESTS_PTRACE_PEEKDATA:
	case PPM_PTRACE_REQUESTS_PTRACE_PEEKUSR:
		if (s->call.ret >= 0)
			data = rare_peeked(s, data);
	}
	rare_store_variant(s, PTRACE_NUMBER, data, 8);
}

/* res addr data request pid */
static __always_inline void rare_ptrace(struct scratch *s)
{
	u32 request = extract_conversion(CONVERSION_PTRACE, s->call.args[0]);

	rare_store_variant(s, PTRACE_NUMBER, s->call.args[2], 8);
	rare_ptrace_data(s, request);
	store_sized(s, request, 2);
	store_u64(s, (s32)s->call.args[1]);
}

static __always_inline bool rare_fsconfig_has_text(u32 command)
{
	return command == PPM_FSCONFIG_CMDS_FSCONFIG_SET_STRING ||
	       command == PPM_FSCONFIG_CMDS_FSCONFIG_SET_PATH ||
	       command == PPM_FSCONFIG_CMDS_FSCONFIG_SET_PATH_EMPTY;
}

/* res fd cmd key value_bytebuf value_charbuf aux */
static __always_inline void rare_fsconfig(struct scratch *s)
{
	u32 command = s->call.args[1];
	u64 value = s->call.args[3];

	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, command);
	store_user_text(s, s->call.args[2]);
	store_user_bytes(s, value,
			 command == PPM_FSCONFIG_CMDS_FSCONFIG_SET_BINARY ? (u32)s->call.args[4]
									  : 0,
			 base_snaplen(s));
	store_user_text(s, rare_fsconfig_has_text(command) ? value : 0);
	store_u32(s, s->call.args[4]);
}

static __always_inline void rare_semaphore(struct scratch *s, u32 index)
{
	u16 operation[3] = {};

	if (index >= (u32)s->call.args[2] ||
	    base_read_user(operation, sizeof(operation),
			   (void *)(s->call.args[1] + index * SEMOP_SIZE))) {
		store_empty(s);
		store_empty(s);
		store_empty(s);
		return;
	}
	store_sized(s, operation[0], 2);
	store_sized(s, operation[1], 2);
	store_sized(s, extract_conversion(CONVERSION_SEMOP, operation[2]), 2);
}

/* res nsops, number, operation and flags of the first two, semid */
static __always_inline void rare_semop(struct scratch *s)
{
	store_u32(s, s->call.args[2]);
	rare_semaphore(s, 0);
	rare_semaphore(s, 1);
	store_u32(s, s->call.args[0]);
}

/* res fd to_submit min_complete flags sig; the mask is behind a pointer, or behind one in a structure */
static __always_inline void rare_ring_enter(struct scratch *s)
{
	u32 flags = s->call.args[3], mask = 0;
	u64 address = s->call.args[4];

	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, s->call.args[1]);
	store_u32(s, s->call.args[2]);
	store_u32(s, flags);
	if (flags & RING_EXTENDED_REGISTERED) {
		store_empty(s);
		return;
	}
	if (flags & RING_EXTENDED && base_read_user(&address, sizeof(address), (void *)address))
		address = 0;
	if (address && base_read_user(&mask, sizeof(mask), (void *)address))
		base_count_unreadable(s);
	store_u32(s, mask);
}

/* res img length uargs */
static __always_inline void rare_init_module(struct scratch *s)
{
	store_user_bytes(s, s->call.args[0], s->call.args[1], base_snaplen(s));
	store_u64(s, s->call.args[1]);
	store_user_text(s, s->call.args[2]);
}

struct user_quota {
	u64 hard_blocks, soft_blocks, space, hard_inodes, soft_inodes, inodes, block_time,
		inode_time;
	u32 valid;
};

struct user_quota_info {
	u64 block_grace, inode_grace;
	u32 flags;
	u32 valid;
};

static __always_inline void rare_store_if(struct scratch *s, bool is_there, u64 value, u32 size)
{
	if (is_there)
		store_sized(s, value, size);
	else
		store_empty(s);
}

/* dqb_bhardlimit dqb_bsoftlimit dqb_curspace dqb_ihardlimit dqb_isoftlimit dqb_btime dqb_itime */
static __always_inline void rare_quota(struct scratch *s, u32 command)
{
	struct user_quota quota = {};
	bool told = command == QUOTA_SET || (command == QUOTA_GET && s->call.ret == 0);

	if (told && base_read_user(&quota, sizeof(quota), (void *)s->call.args[3])) {
		base_count_unreadable(s);
		told = false;
	}
	rare_store_if(s, told, quota.hard_blocks, 8);
	rare_store_if(s, told, quota.soft_blocks, 8);
	rare_store_if(s, told, quota.space, 8);
	rare_store_if(s, told, quota.hard_inodes, 8);
	rare_store_if(s, told, quota.soft_inodes, 8);
	rare_store_if(s, told && quota.valid & QUOTA_HAS_BLOCK_TIME, quota.block_time * SECOND, 8);
	rare_store_if(s, told && quota.valid & QUOTA_HAS_INODE_TIME, quota.inode_time * SECOND, 8);
}

/* dqi_bgrace dqi_igrace dqi_flags */
static __always_inline void rare_quota_info(struct scratch *s, u32 command)
{
	struct user_quota_info info = {};
	bool told = command == QUOTA_SET_INFO || (command == QUOTA_GET_INFO && s->call.ret == 0);

	if (told && base_read_user(&info, sizeof(info), (void *)s->call.args[3])) {
		base_count_unreadable(s);
		told = false;
	}
	rare_store_if(s, told && info.valid & QUOTA_HAS_BLOCK_GRACE, info.block_grace * SECOND, 8);
	rare_store_if(s, told && info.valid & QUOTA_HAS_INODE_GRACE, info.inode_grace * SECOND, 8);
	rare_store_if(s, told && info.valid & QUOTA_HAS_FLAGS,
		      info.flags & 1 ? PPM_QUOTACTL_DQI_FLAGS_V1_DQF_RSQUASH
				     : PPM_QUOTACTL_DQI_FLAGS_DQF_NONE,
		      1);
}

/* res special quotafilepath, of a quota, of its file, quota_fmt_out cmd type id quota_fmt; what a command has
 * nothing to do with is absent */
static __always_inline void rare_quotactl(struct scratch *s)
{
	u32 command = (u32)s->call.args[0] >> SUBCOMMAND_SHIFT, format = 0;
	bool has_format = command == QUOTA_GET_FORMAT && s->call.ret == 0 &&
			  !base_read_user(&format, sizeof(format), (void *)s->call.args[3]);
	bool has_id = command == QUOTA_GET || command == QUOTA_SET || command == QUOTA_XGET ||
		      command == QUOTA_XSET;

	store_user_text(s, s->call.args[1]);
	store_user_text(s, command == QUOTA_ON ? s->call.args[3] : 0);
	rare_quota(s, command);
	rare_quota_info(s, command);
	rare_store_if(s, has_format, extract_conversion(CONVERSION_QUOTA_FORMAT, format), 1);
	store_sized(s, extract_conversion(CONVERSION_QUOTA_COMMAND, command), 2);
	store_u8(s, extract_conversion(CONVERSION_QUOTA_TYPE, s->call.args[0] & 0xff));
	rare_store_if(s, has_id, s->call.args[2], 4);
	rare_store_if(s, command == QUOTA_ON,
		      extract_conversion(CONVERSION_QUOTA_FORMAT, s->call.args[2]), 1);
}

int handle_rare(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct plan *plan;

	if (!s)
		return 0;
	plan = base_call_plan(s);
	if (!plan)
		return 0;
	store_begin(s, plan->type, plan->nparams);
	store_u64(s, s->call.ret);
	switch (plan->detail) {
	case RARE_KEYCTL:
		rare_keyctl(s);
		break;
	case RARE_PTRACE:
		rare_ptrace(s);
		break;
	case RARE_FSCONFIG:
		rare_fsconfig(s);
		break;
	case RARE_SEMOP:
		rare_semop(s);
		break;
	case RARE_RING_ENTER:
		rare_ring_enter(s);
		break;
	case RARE_INIT_MODULE:
		rare_init_module(s);
		break;
	default:
		rare_quotactl(s);
	}
	store_send(s);
	return 0;
}
