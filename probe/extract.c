/*
 * Level 1: facts about tasks, files and sockets out of kernel structures.
 * Nothing here writes to a record.
 */
#define PAGE_KIB (PAGE_SIZE / 1024)
#define OVERLAYFS_MAGIC 0x794c7630
#define RLIMIT_NOFILE_INDEX 7
/* the top bit of an inode's nanoseconds marks that the time was asked for */
#define NSEC_MASK 0x7fffffff

struct memory_use {
	u32 size;
	u32 resident;
	u32 swapped;
};

/* what a directory entry is called, and how long that is */
static __always_inline struct qstr extract_entry_name(void *entry)
{
	struct qstr name = {};

#ifdef FEATURE_TYPED_READS
	name.name = base_get(entry, struct dentry, d_name.name);
	name.len = base_get(entry, struct dentry, d_name.len);
#else
	base_read_kernel(&name, sizeof(name), base_at(entry, struct dentry, d_name));
#endif
	return name;
}

/* device numbers as user space writes them (new_encode_dev) */
static __always_inline u32 extract_dev(u32 dev)
{
	u32 major = dev >> 20;
	u32 minor = dev & 0xfffff;

	return (minor & 0xff) | (major << 8) | ((minor & ~0xffU) << 12);
}

static __always_inline struct memory_use extract_memory_use(void *task)
{
	struct memory_use use = {};
	void *mm = base_get(task, struct task_struct, mm);
	s64 file, anon, swap, shared;

	if (!mm)
		return use;
#ifdef FEATURE_RSS_PERCPU
	file = base_get(mm, struct mm_struct, rss_stat[0].count);
	anon = base_get(mm, struct mm_struct, rss_stat[1].count);
	swap = base_get(mm, struct mm_struct, rss_stat[2].count);
	shared = base_get(mm, struct mm_struct, rss_stat[3].count);
#else
	file = base_get(mm, struct mm_struct, rss_stat.count[0].counter);
	anon = base_get(mm, struct mm_struct, rss_stat.count[1].counter);
	swap = base_get(mm, struct mm_struct, rss_stat.count[2].counter);
	shared = base_get(mm, struct mm_struct, rss_stat.count[3].counter);
#endif
	/* the per-CPU remainders are left out, so a small sum can be below zero */
	file += anon + shared;
	use.size = base_get(mm, struct mm_struct, total_vm) * PAGE_KIB;
	use.resident = file > 0 ? file * PAGE_KIB : 0;
	use.swapped = swap > 0 ? swap * PAGE_KIB : 0;
	return use;
}

static __always_inline void *extract_file(void *task, s32 fd)
{
	void *files = base_get(task, struct task_struct, files);
	void *table = base_get(files, struct files_struct, fdt);

	if (fd < 0 || (u32)fd >= base_get(table, struct fdtable, max_fds))
		return NULL;
	return (void *)base_load((u64)base_get(table, struct fdtable, fd) +
				 (u64)fd * sizeof(void *));
}

/* what an fd among the arguments of the call stands for */
static __always_inline void *extract_call_file(struct scratch *s, s32 fd)
{
	if (base_is_ring_call(s) && fd == (s32)s->call.args[0])
		return (void *)s->call.file;
	return extract_file((void *)bpf_get_current_task(), fd);
}

/* the sock behind a file, NULL when the file is no socket */
static __always_inline void *extract_sock(void *file)
{
	void *address = base_get(file, struct file, private_data);

	if (!file || !address || (void *)base_get(address, struct socket, file) != file)
		return NULL;
	return base_get(address, struct socket, sk);
}

static __always_inline s64 extract_namespaced(void *pid)
{
	u32 level = base_get(pid, struct pid, level);
	struct upid number = {};

	base_read_kernel(&number, sizeof(number),
			 base_at(pid, struct pid, numbers) + (level & 31) * sizeof(number));
	return number.nr;
}

static __always_inline void *extract_signal_pid(void *task, u32 type)
{
	void *signal = base_get(task, struct task_struct, signal);

	return (void *)base_load(base_at(signal, struct signal_struct, pids) +
				 type * sizeof(void *));
}

static __always_inline u32 extract_tty(void *task)
{
	void *signal = base_get(task, struct task_struct, signal);
	void *tty = base_get(signal, struct signal_struct, tty);
	void *driver;

	if (!tty)
		return 0;
	driver = base_get(tty, struct tty_struct, driver);
	return extract_dev((base_get(driver, struct tty_driver, major) << 20) +
			   base_get(driver, struct tty_driver, minor_start) +
			   base_get(tty, struct tty_struct, index));
}

static __always_inline u64 extract_fdlimit(void *task)
{
	void *signal = base_get(task, struct task_struct, signal);

	return base_get(signal, struct signal_struct, rlim[RLIMIT_NOFILE_INDEX].rlim_cur);
}

static __always_inline u32 extract_loginuid(void *task)
{
#ifdef FEATURE_LOGINUID
	return base_get(task, struct task_struct, loginuid.val);
#else
	return -1;
#endif
}

/* the kernfs node of the task's cgroup in the tracked hierarchy */
static __always_inline void *extract_cgroup_node(void *task)
{
	void *set = base_get(task, struct task_struct, cgroups);
	void *cgroup;
#ifdef CGROUP_SUBSYS
	void *css = base_get(set, struct css_set, subsys[CGROUP_SUBSYS]);

	cgroup = base_get(css, struct cgroup_subsys_state, cgroup);
#else
	cgroup = base_get(set, struct css_set, dfl_cgrp);
#endif
	return base_get(cgroup, struct cgroup, kn);
}

static __always_inline u64 extract_cgroup_id(void *task)
{
	return base_get(extract_cgroup_node(task), struct kernfs_node, id);
}

static __always_inline u64 extract_inode_ctime(void *inode)
{
#if defined(FEATURE_INODE_TIME_SPLIT)
	return base_get(inode, struct inode, i_ctime_sec) * 1000000000ULL +
	       (base_get(inode, struct inode, i_ctime_nsec) & NSEC_MASK);
#elif defined(FEATURE_INODE_TIME_HIDDEN)
	return base_get(inode, struct inode, __i_ctime.tv_sec) * 1000000000ULL +
	       base_get(inode, struct inode, __i_ctime.tv_nsec);
#else
	return base_get(inode, struct inode, i_ctime.tv_sec) * 1000000000ULL +
	       base_get(inode, struct inode, i_ctime.tv_nsec);
#endif
}

static __always_inline u64 extract_inode_mtime(void *inode)
{
#if defined(FEATURE_INODE_TIME_SPLIT)
	return base_get(inode, struct inode, i_mtime_sec) * 1000000000ULL +
	       (base_get(inode, struct inode, i_mtime_nsec) & NSEC_MASK);
#elif defined(FEATURE_INODE_TIME_HIDDEN)
	return base_get(inode, struct inode, __i_mtime.tv_sec) * 1000000000ULL +
	       base_get(inode, struct inode, __i_mtime.tv_nsec);
#else
	return base_get(inode, struct inode, i_mtime.tv_sec) * 1000000000ULL +
	       base_get(inode, struct inode, i_mtime.tv_nsec);
#endif
}

/* 0: no overlay; 1: from the upper layer; 2: from a lower one. Overlayfs keeps the pointer to the
 * upper directory entry right behind the inode; its own type is known only when it is built in. */
static __always_inline u32 extract_overlay_layer(void *inode)
{
	void *super = base_get(inode, struct inode, i_sb);

	if (base_get(super, struct super_block, s_magic) != OVERLAYFS_MAGIC)
		return 0;
	return base_load((char *)inode + sizeof(struct inode)) ? 1 : 2;
}

/* `pairs`: how many pairs the table can have; inside of another loop few keep the verifier's work short */
static __always_inline u32 extract_conversion_of(u32 id, u32 value, u32 pairs)
{
	struct conversion *table = conversions.lookup(&id);
	u32 out = 0;

	if (!table || !id)
		return value;
	if (table->kind == CONVERSION_ACCESS_MODE)
		out = (value & 3) + 1;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < pairs; i++) {
		u32 native = table->pairs[i].native;
		u32 ppm = table->pairs[i].ppm;

		if (table->kind == CONVERSION_ENUM) {
			if (value == native)
				return ppm & 0xffff;
			if (ppm & CONVERSION_LAST)
				return table->otherwise;
			continue;
		}
		if (!native)
			break;
		if ((value & native) == native)
			out |= ppm;
	}
	return out;
}

static __always_inline u32 extract_conversion(u32 id, u32 value)
{
	return extract_conversion_of(id, value, CONVERSION_PAIRS);
}
