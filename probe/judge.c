/*
 * Level 2: whether anybody wants to see a call, judged before its record is made.
 *
 * By the number of the call alone where that is enough: its plan has the verdict. Else facts are
 * gathered, those that the run's filters ask for, and handed to the filters' own instructions, which
 * the loader puts in the place of the calls of judge_filter and judge_snaplen (capture/judge_code.py).
 * What the engine learns from arrives in any case, marked as wanted by nobody.
 *
 * What is behind an fd is the dearest fact. Where kernel memory is read by plain loads (6.2 and later) a one-byte read that a
 * filter on fd.type leaves out costs the traced less than one that is sent; where it takes helpers, it costs more, and
 * spares the reader.
 */
#define NAME_WORDS 2
#define ADDRESS_SIZE 16
#define SHORT_ADDRESS 4
#define ANON_INODE_MAGIC 0x09041934
#define TMPFS_MAGIC 0x01021994
#define NATIVE_AF_UNIX 1
#define NATIVE_AF_INET 2
#define NATIVE_AF_INET6 10
#define NATIVE_AF_NETLINK 16
#define NATIVE_TCP 6
#define MODE_FORMAT 0170000
#define MODE_PIPE 0010000
#define MODE_CHARACTER 0020000
#define MODE_DIRECTORY 0040000
#define MODE_BLOCK 0060000
#define MODE_REGULAR 0100000
#define STATE_ESTABLISHED 1
#define STATE_FIN_WAIT1 4
#define STATE_FIN_WAIT2 5
#define STATE_CLOSE_WAIT 8
#define MAPPED_PREFIX 0xffff0000U /* the third word of ::ffff:a.b.c.d, as it lies in memory */

/* what capture/judge_code.py reads, at the offsets it knows */
struct facts {
	u32 group;
	u32 kind;
	s64 pid;
	s64 tid;
	s64 uid;
	s64 cpu;
	s64 result;
	s64 outcome;
	u64 latency;
	s64 fd;
	u64 containers;
	u64 name[NAME_WORDS];
	u32 known;
	u32 own_port;
	u32 other_port;
	u32 address_size;
	u8 own_address[ADDRESS_SIZE];
	u8 other_address[ADDRESS_SIZE];
};

_Static_assert(offsetof(struct facts, result) == FACT_RESULT &&
		       offsetof(struct facts, known) == FACT_KNOWN &&
		       offsetof(struct facts, other_address) == FACT_OTHER_ADDRESS,
	       "capture/judge_code.py has other offsets");

BPF_TABLE("array", u32, struct facts, judge_facts, CPU_COUNT);
/* which of the run's questions about containers have the answer yes, by cgroup */
BPF_TABLE("lru_hash", u64, u64, cgroup_answers, 16384);

static u64 (*judge_filter)(struct facts *facts) = (void *)HOOK_FILTER;
static u64 (*judge_snaplen)(struct facts *facts) = (void *)HOOK_SNAPLEN;

static __always_inline bool judge_is_unwanted(u32 nr)
{
	struct plan *plan = plans.lookup(&nr);

	return plan && plan->verdict == VERDICT_DROP;
}

/* At the entry the number may be one of the 32-bit table: such a call, of which the exit reports no
 * more than the number, then has no latency. */
static __always_inline bool judge_skips_entry(u32 nr)
{
	return JUDGE_DROPS && judge_is_unwanted(nr);
}

static __always_inline void judge_leave_out(void)
{
	struct counters *count = base_counters();

	if (count)
		count->left_out++;
}

/* the cheapest way out: one read, one look-up, nothing else was done yet */
static __always_inline bool judge_skips_exit(u64 registers)
{
	u32 nr;

	if (!JUDGE_DROPS || !base_read_native_nr(registers, &nr) || !judge_is_unwanted(nr))
		return false;
	judge_leave_out();
	return true;
}

static __always_inline void judge_note_user(struct facts *f)
{
	void *task = (void *)bpf_get_current_task();
	void *cred = (void *)base_get(task, struct task_struct, cred);
	void *space = base_get(cred, struct cred, user_ns);

	/* elsewhere the calls that change the id speak of ids of their own */
	if (base_get(space, struct user_namespace, level))
		return;
	f->uid = base_get(cred, struct cred, euid.val);
	f->known |= KNOWN_USER;
}

static __always_inline void judge_note_container(struct facts *f, u64 cgroup)
{
	u64 *answers = cgroup_answers.lookup(&cgroup);

	if (!answers)
		return;
	f->containers = *answers;
	f->known |= KNOWN_CONTAINER;
}

static __always_inline u32 judge_socket_kind(void *sock)
{
	u16 family = base_get(sock, struct sock, __sk_common.skc_family);

	switch (family) {
	case NATIVE_AF_UNIX:
		return KIND_UNIX;
	case NATIVE_AF_INET:
		return KIND_IPV4;
	case NATIVE_AF_INET6:
		return KIND_IPV6;
	case NATIVE_AF_NETLINK:
		return KIND_NETLINK;
	}
	return KIND_OTHER;
}

static __always_inline u32 judge_plain_kind(void *inode)
{
	u64 magic = base_get(base_get(inode, struct inode, i_sb), struct super_block, s_magic);

	if (magic == ANON_INODE_MAGIC)
		return KIND_OTHER;
	return magic == TMPFS_MAGIC ? KIND_TMPFS : KIND_FILE;
}

static __always_inline u32 judge_file_kind(void *file, void *sock)
{
	void *inode = base_get(file, struct file, f_inode);

	if (sock)
		return judge_socket_kind(sock);
	switch (base_get(inode, struct inode, i_mode) & MODE_FORMAT) {
	case MODE_REGULAR:
		return judge_plain_kind(inode);
	case MODE_DIRECTORY:
		return KIND_DIRECTORY;
	case MODE_CHARACTER:
	case MODE_BLOCK:
		return KIND_FILE;
	case MODE_PIPE:
		return KIND_PIPE;
	}
	return KIND_OTHER;
}

/* An IPv4 connection may have addresses of IPv6; both ends do, or none. */
static __always_inline void judge_note_addresses(struct facts *f, void *sock)
{
	u32 words[4];

	f->address_size = SHORT_ADDRESS;
	if (f->kind == KIND_IPV4) {
		*(u32 *)f->own_address = base_get(sock, struct sock, __sk_common.skc_rcv_saddr);
		*(u32 *)f->other_address = base_get(sock, struct sock, __sk_common.skc_daddr);
		return;
	}
	base_get_address(f->own_address, base_at(sock, struct sock, __sk_common.skc_v6_rcv_saddr));
	base_get_address(f->other_address, base_at(sock, struct sock, __sk_common.skc_v6_daddr));
	__builtin_memcpy(words, f->other_address, sizeof(words));
	if (!words[0] && !words[1] && words[2] == MAPPED_PREFIX) {
		*(u32 *)f->other_address = words[3];
		*(u32 *)f->own_address = *(u32 *)(f->own_address + 12);
	} else {
		f->address_size = ADDRESS_SIZE;
	}
}

/* Ends are known for sure of TCP connections: the engine has them from the call that made the
 * connection. Those of other sockets it has from what they carried; snaplen rules go by the ends that
 * the kernel has. */
static __always_inline bool judge_is_connection(void *sock)
{
	u8 state = base_get(sock, struct sock, __sk_common.skc_state);

	return base_get(sock, struct sock, sk_protocol) == NATIVE_TCP &&
	       (state == STATE_ESTABLISHED || state == STATE_CLOSE_WAIT ||
		state == STATE_FIN_WAIT1 || state == STATE_FIN_WAIT2);
}

static __always_inline void judge_note_ends(struct facts *f, void *sock)
{
	if (f->kind != KIND_IPV4 && f->kind != KIND_IPV6) {
		f->known |= KNOWN_NO_ENDS;
		return;
	}
	f->known |= judge_is_connection(sock) ? KNOWN_ENDS | KNOWN_SOME_ENDS : KNOWN_SOME_ENDS;
	f->own_port = base_get(sock, struct sock, __sk_common.skc_num);
	f->other_port = __builtin_bswap16(base_get(sock, struct sock, __sk_common.skc_dport));
	if (JUDGE_NEEDS & NEED_ADDRESS)
		judge_note_addresses(f, sock);
}

static __always_inline void judge_note_file(struct facts *f)
{
	void *file = extract_file((void *)bpf_get_current_task(), f->fd);
	void *sock;

	f->kind = 0;
	if (!file)
		return;
	sock = extract_sock(file);
	f->kind = judge_file_kind(file, sock);
	if (JUDGE_NEEDS & (NEED_PORT | NEED_ADDRESS))
		judge_note_ends(f, sock);
}

static __always_inline struct facts *judge_gather(struct scratch *s, struct plan *plan)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct facts *f = judge_facts.lookup(&cpu);

	if (!f)
		return NULL;
	f->group = plan->group;
	f->known = 0;
	f->pid = s->call.pid;
	f->tid = s->call.tid;
	f->cpu = s->call.cpu;
	f->result = s->call.ret;
	f->outcome = s->call.ret < 0 ? s->call.ret : 0;
	f->latency = s->call.latency;
	f->fd = plan->fd_arg < 6 ? (s32)s->call.args[plan->fd_arg & 7] : -1;
	if (JUDGE_NEEDS & NEED_NAME)
		bpf_get_current_comm(f->name, sizeof(f->name));
	if (JUDGE_NEEDS & NEED_USER)
		judge_note_user(f);
	if (JUDGE_NEEDS & NEED_CONTAINER)
		judge_note_container(f, s->call.cgroup_id);
	if (JUDGE_NEEDS & (NEED_KIND | NEED_PORT | NEED_ADDRESS))
		judge_note_file(f);
	return f;
}

/* Whether the filters want the call's record, as one to be shown or as one that feeds state. */
static __always_inline bool judge_passes(struct scratch *s, struct plan *plan, struct facts *facts)
{
	if (plan->verdict == VERDICT_KEEP)
		return true;
	if (plan->verdict == VERDICT_JUDGE && (!facts || judge_filter(facts)))
		return true;
	if (plan->feeds_state) {
		s->call.flags |= RECORD_FLAG_STATE_ONLY;
		return true;
	}
	judge_leave_out();
	return false;
}

static __always_inline void judge_measure(struct scratch *s, struct plan *plan, struct facts *facts)
{
	s->call.snaplen = SNAPLEN;
	if (!plan->rules || !facts)
		return;
	facts->group = plan->rules;
	s->call.snaplen = judge_snaplen(facts);
}

/* Whether there is to be a record of the call, and how much of its data. */
static __always_inline bool judge_wants(struct scratch *s, struct plan *plan)
{
	struct facts *facts = NULL;

	if (!plan || !(JUDGE_FILTERS | JUDGE_RULES))
		return true;
	if (plan->verdict == VERDICT_JUDGE || plan->rules)
		facts = judge_gather(s, plan);
	if (JUDGE_FILTERS && !judge_passes(s, plan, facts))
		return false;
	if (JUDGE_RULES)
		judge_measure(s, plan, facts);
	return true;
}
