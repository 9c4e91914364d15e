/*
 * Level 3: an open file that no event has told, as a state record right before the event that needs
 * it.
 */
#define KIND_MASK 0170000
#define KIND_SOCKET 0140000
#define KIND_DIRECTORY 0040000
#define KIND_PIPE 0010000
#define ANONYMOUS_MAGIC 0x09041934
#define PIDFS_MAGIC 0x50494446
#define PIPEFS_MAGIC 0x50495045
#define NSFS_MAGIC 0x6e736673

/* the first eight bytes of a name as they are in memory */
#define tell_name(a, b, c, d, e, f, g, h)                                              \
	((u64)(a) | (u64)(b) << 8 | (u64)(c) << 16 | (u64)(d) << 24 | (u64)(e) << 32 | \
	 (u64)(f) << 40 | (u64)(g) << 48 | (u64)(h) << 56)

static __always_inline u8 tell_anonymous(const void *name)
{
	u64 head = 0;

	base_read_kernel(&head, sizeof(head), name);
	if (head == tell_name('[', 'e', 'v', 'e', 'n', 't', 'f', 'd'))
		return FD_EVENT;
	if (head == tell_name('[', 'e', 'v', 'e', 'n', 't', 'p', 'o'))
		return FD_EVENTPOLL;
	if (head == tell_name('[', 't', 'i', 'm', 'e', 'r', 'f', 'd'))
		return FD_TIMERFD;
	if (head == tell_name('[', 's', 'i', 'g', 'n', 'a', 'l', 'f'))
		return FD_SIGNALFD;
	if (head == tell_name('i', 'n', 'o', 't', 'i', 'f', 'y', 0))
		return FD_INOTIFY;
	if (head == tell_name('[', 'u', 's', 'e', 'r', 'f', 'a', 'u'))
		return FD_USERFAULTFD;
	if (head == tell_name('[', 'i', 'o', '_', 'u', 'r', 'i', 'n'))
		return FD_IO_URING;
	if (head == tell_name('[', 'p', 'i', 'd', 'f', 'd', ']', 0))
		return FD_PIDFD;
	if ((head & 0xffffff) == tell_name('b', 'p', 'f', 0, 0, 0, 0, 0))
		return FD_BPF;
	return FD_UNSUPPORTED;
}

static __always_inline u8 tell_look_file(void *file, u64 magic, u16 kind)
{
	void *entry = base_get(file, struct file, f_path.dentry);

	if (magic == ANONYMOUS_MAGIC)
		return tell_anonymous(base_get(entry, struct dentry, d_name.name));
	if (magic == PIDFS_MAGIC)
		return FD_PIDFD;
	if (magic == NSFS_MAGIC)
		return FD_FILE;
	if (kind == KIND_PIPE)
		return FD_PIPE;
	if (kind == KIND_DIRECTORY)
		return FD_DIRECTORY;
	return process_is_memfd(file) ? FD_MEMFD : FD_FILE_V2;
}

/* A path, or for an anonymous file of no other kind its name. */
static __always_inline void tell_file_name(struct scratch *s, void *file, u64 magic, u8 type)
{
	void *entry = base_get(file, struct file, f_path.dentry);

	if (type == FD_UNSUPPORTED)
		store_kernel_text(s, base_get(entry, struct dentry, d_name.name));
	else if (magic == ANONYMOUS_MAGIC || magic == PIDFS_MAGIC || magic == PIPEFS_MAGIC ||
		 magic == NSFS_MAGIC)
		tell_no_text(s);
	else
		path_store_file(s, file);
}

static __always_inline u32 tell_flags(struct scratch *s, void *file)
{
	void *table = base_get(s->touch.files, struct files_struct, fdt);
	void *closing = base_get(table, struct fdtable, close_on_exec);
	u32 flags = base_get(file, struct file, f_flags) & ~NATIVE_O_LARGEFILE;
	u64 bits = 0;

	base_read_kernel(&bits, sizeof(bits), (char *)closing + (s->touch.fd >> 6) * sizeof(bits));
	flags = extract_conversion(CONVERSION_OPEN, flags);
	return bits >> (s->touch.fd & 63) & 1 ? flags | PPM_FILE_FLAGS_O_CLOEXEC : flags;
}

/* fd ino type flags dev name tuple l4proto role */
int handle_fd(struct bpf_raw_tracepoint_args *ctx)
{
	struct told_socket told = { .l4 = L4_NONE };
	struct scratch *s = base_scratch();
	void *file, *inode, *super, *sock = NULL;
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u64 magic;
	u16 kind;

	if (!s)
		return 0;
	file = (void *)s->touch.file;
	inode = base_get(file, struct file, f_inode);
	super = base_get(inode, struct inode, i_sb);
	magic = base_get(super, struct super_block, s_magic);
	kind = base_get(inode, struct inode, i_mode) & KIND_MASK;
	if (kind == KIND_SOCKET)
		sock = extract_sock(file);
	if (sock)
		told = tell_look_socket(s, sock);
	else
		told.type = tell_look_file(file, magic, kind);
	tell_begin(s, EV_STATE_FD, NPARAMS_STATE_FD, pid, pid, s->call.cgroup_id);
	store_u64(s, s->touch.fd);
	store_u64(s, base_get(inode, struct inode, i_ino));
	store_u8(s, told.type);
	store_u32(s, tell_flags(s, file));
	store_u32(s, extract_dev(base_get(super, struct super_block, s_dev)));
	if (sock)
		tell_no_text(s);
	else
		tell_file_name(s, file, magic, told.type);
	tell_tuple(s, sock, &told);
	store_u8(s, told.l4);
	store_u8(s, told.role);
	store_send(s);
	handlers.call(ctx, HANDLER_TOUCH);
	return 0;
}
