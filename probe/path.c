/*
 * Level 2: paths out of kernel structures. A path is collected from its end to its beginning in
 * the scratch text and then stored as one parameter.
 */
static __always_inline void path_begin(struct scratch *s)
{
	s->text_at = TEXT_MAX;
	s->text[TEXT_MAX] = 0;
}

/* puts "/name" before what is there; false when there is no more room */
static __always_inline bool path_prepend(struct scratch *s, const void *name, u32 length)
{
	u32 at = s->text_at;

	length &= NAME_SIZE - 1;
	if (at < length + 1 || at > TEXT_MAX)
		return false;
	at -= length + 1;
	at &= TEXT_MAX - 1;
	s->text[at] = '/';
	if (length)
		base_read_kernel(&s->text[at + 1], length, name);
	s->text_at = at;
	return true;
}

static __always_inline void path_store(struct scratch *s)
{
	u32 at = s->text_at;
	u32 size;

	if (at >= TEXT_MAX) {
		at = TEXT_MAX - 1;
		s->text[at] = '/';
	}
	base_opaque(at);
	at &= TEXT_MAX - 1;
	size = TEXT_MAX + 1 - at;
	base_opaque(size);
	size &= 0x1fff;
	if (!store_has_room(s)) {
		store_empty(s);
		return;
	}
	base_read_kernel(store_at(s), size, &s->text[at]);
	store_length(s, size);
}

/* the path of a directory entry as its own mount namespace sees it */
static __always_inline void path_store_entry(struct scratch *s, void *mount_point, void *entry)
{
	path_begin(s);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < PATH_MAX_PARTS; i++) {
		struct qstr name;
		void *parent;

		if (entry == base_get(mount_point, struct vfsmount, mnt_root)) {
			void *mount = (char *)mount_point - offsetof(struct mount, mnt);
			void *above = base_get(mount, struct mount, mnt_parent);

			if (above == mount || !above)
				break;
			entry = base_get(mount, struct mount, mnt_mountpoint);
			mount_point = (char *)above + offsetof(struct mount, mnt);
			continue;
		}
		parent = base_get(entry, struct dentry, d_parent);
		name = extract_entry_name(entry);
		/* an entry that is its own parent is a root, or a nameless file such as a memfd */
		if (!parent || (parent == entry && (i || name.len < 2)))
			break;
		if (!path_prepend(s, name.name, name.len) || parent == entry)
			break;
		entry = parent;
	}
	path_store(s);
}

static __always_inline void path_store_cwd(struct scratch *s, void *task)
{
	void *fs = base_get(task, struct task_struct, fs);

	if (!fs) {
		store_empty(s);
		return;
	}
	path_store_entry(s, base_get(fs, struct fs_struct, pwd.mnt),
			 base_get(fs, struct fs_struct, pwd.dentry));
}

static __always_inline void path_store_file(struct scratch *s, void *file)
{
	if (!file) {
		store_empty(s);
		return;
	}
	path_store_entry(s, base_get(file, struct file, f_path.mnt),
			 base_get(file, struct file, f_path.dentry));
}

/* "subsys=path" of the task's cgroup in the tracked hierarchy */
static __always_inline void path_store_cgroup(struct scratch *s, void *task)
{
	const char label[] = CGROUP_LABEL;
	void *node = extract_cgroup_node(task);
	u32 before, size;
	u8 *at = store_at(s);

	path_begin(s);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < PATH_MAX_PARTS && node; i++) {
		void *parent = base_get(node, struct kernfs_node, KERNFS_PARENT);
		const char *name = base_get(node, struct kernfs_node, name);
		s64 length;

		if (!parent)
			break;
		/* the text behind the longest path is free: NAME_SIZE bytes of it serve as a buffer */
		length = base_read_kernel_text(&s->text[TEXT_MAX + 1], NAME_SIZE, name);
		if (length <= 1 || !path_prepend(s, &s->text[TEXT_MAX + 1], length - 1))
			break;
		node = parent;
	}
	if (!store_has_room(s)) {
		store_empty(s);
		return;
	}
	for (u32 i = 0; i < sizeof(label) - 1; i++)
		at[i] = label[i];
	s->pos += sizeof(label) - 1;
	before = s->pos;
	path_store(s);
	size = s->pos - before + sizeof(label) - 1;
	*(u16 *)(s->record + RECORD_HEADER_SIZE + 2 * ((s->index - 1) & 63)) = size;
}
