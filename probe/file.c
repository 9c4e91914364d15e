/*
 * Level 3: calls that open files. The record carries what was opened (device, inode), read from
 * the file behind the new fd.
 */
#define FILE_CREATED_MODE 0x100000

struct open_how_user {
	u64 flags;
	u64 mode;
	u64 resolve;
};

struct opened {
	u32 flags;
	u32 dev;
	u64 ino;
	u32 layer;
};

static __always_inline struct opened file_look(s64 fd)
{
	struct opened seen = {};
	void *file, *inode, *super;

	if (fd < 0)
		return seen;
	file = extract_file((void *)bpf_get_current_task(), fd);
	inode = base_get(file, struct file, f_inode);
	super = base_get(inode, struct inode, i_sb);
	seen.dev = extract_dev(base_get(super, struct super_block, s_dev));
	seen.ino = base_get(inode, struct inode, i_ino);
	seen.layer = extract_overlay_layer(inode);
	if (base_get(file, struct file, f_mode) & FILE_CREATED_MODE)
		seen.flags |= PPM_FILE_FLAGS_O_F_CREATED;
	if (seen.layer == 1)
		seen.flags |= PPM_FILE_FLAGS_FD_UPPER_LAYER;
	else if (seen.layer == 2)
		seen.flags |= PPM_FILE_FLAGS_FD_LOWER_LAYER;
	return seen;
}

static __always_inline u32 file_mode(u64 flags, u64 mode)
{
	return flags & (NATIVE_O_CREAT | NATIVE_O_TMPFILE_BIT) ? mode & 07777 : 0;
}

struct open_request {
	u64 name;
	u64 flags;
	u64 mode;
	u64 resolve;
};

static __always_inline struct open_request file_request(struct scratch *s, u16 type)
{
	struct open_request asked = {};
	struct open_how_user how = {};
	bool plain = type == EV_SYSCALL_OPEN_X;

	if (type == EV_SYSCALL_CREAT_X) {
		asked.name = s->call.args[0];
		asked.mode = s->call.args[1] & 07777;
		return asked;
	}
	asked.name = plain ? s->call.args[0] : s->call.args[1];
	asked.flags = plain ? s->call.args[1] : s->call.args[2];
	asked.mode = plain ? s->call.args[2] : s->call.args[3];
	if (type == EV_SYSCALL_OPENAT2_X) {
		if (base_read_pointed(s, &how, sizeof(how), s->call.args[2]))
			base_count_unreadable(s);
		asked.flags = how.flags;
		asked.mode = how.mode;
		asked.resolve = how.resolve;
	}
	asked.mode = file_mode(asked.flags, asked.mode);
	return asked;
}

/* fd [dirfd] name [flags] mode [resolve] dev ino [layer] */
int handle_open(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct open_request asked;
	struct opened seen;
	struct plan *plan;
	u16 type;

	if (!s)
		return 0;
	plan = base_call_plan(s);
	if (!plan)
		return 0;
	type = plan->type;
	seen = file_look(base_is_ring_call(s) && s->call.direct ? -1 : s->call.ret);
	asked = file_request(s, type);
	store_begin(s, type, plan->nparams);
	store_result(s, s->call.ret);
	if (type == EV_SYSCALL_OPENAT_2_X || type == EV_SYSCALL_OPENAT2_X)
		store_u64(s, (s32)s->call.args[0]);
	store_user_text(s, asked.name);
	if (type != EV_SYSCALL_CREAT_X)
		store_u32(s, extract_conversion(CONVERSION_OPEN, asked.flags) | seen.flags);
	store_u32(s, asked.mode);
	if (type == EV_SYSCALL_OPENAT2_X)
		store_u32(s, extract_conversion(CONVERSION_RESOLVE, asked.resolve));
	store_u32(s, seen.dev);
	store_u64(s, seen.ino);
	if (type == EV_SYSCALL_CREAT_X)
		store_sized(s, seen.layer, 2);
	store_send(s);
	return 0;
}

int handle_open_by_handle(struct bpf_raw_tracepoint_args *ctx)
{
	struct scratch *s = base_scratch();
	struct opened seen;

	if (!s)
		return 0;
	seen = file_look(s->call.ret);
	store_begin(s, EV_SYSCALL_OPEN_BY_HANDLE_AT_X, NPARAMS_SYSCALL_OPEN_BY_HANDLE_AT_X);
	store_u64(s, s->call.ret);
	store_u64(s, (s32)s->call.args[0]);
	store_u32(s, extract_conversion(CONVERSION_OPEN, s->call.args[2]) | seen.flags);
	path_store_file(s, s->call.ret < 0
				   ? NULL
				   : extract_file((void *)bpf_get_current_task(), s->call.ret));
	store_u32(s, seen.dev);
	store_u64(s, seen.ino);
	store_send(s);
	return 0;
}
