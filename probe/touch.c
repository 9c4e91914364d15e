/*
 * Level 2: what user space was told already, so that a thread or an open file nobody reported is
 * told right before the first event that uses it (tell.c): those older than the capture, inherited
 * and passed ones, and all of them again once records were lost.
 *
 * Three looks, the cheapest first. The thread's slot has a bit for each of fds 0..63 that was told
 * after the thread itself was; these hold until something of the process is closed (its epoch).
 * Then the file behind the fd is compared with the one that was told under this number: a table of
 * sets, one cache line each, where a word is half what was asked about and half what was found.
 * Only what is not there is told. To make all of it void user space changes the generation and
 * every epoch.
 */
#define TOUCH_SETS 16384
#define TOUCH_WAYS 8
#define TOUCH_BITS 64
#define TOUCH_FACTOR 0x9E3779B97F4A7C15ULL
#define TOUCH_THREAD 0x10000
#define TOUCH_THEN_GENERIC 0xfe /* the record of a call without a plan */
/* the "fd" under which a thread itself is entered */
#define TOUCH_SELF 0xffffffffU

struct touch_set {
	u64 ways[TOUCH_WAYS];
};

BPF_TABLE("array", u32, struct touch_set, touch_sets, TOUCH_SETS);
BPF_F_TABLE("array", u32, u64, touch_epochs, TOUCH_EPOCHS, BPF_F_MMAPABLE);

static __always_inline u64 touch_generation(void)
{
	u32 zero = 0;
	struct control *shared = control.lookup(&zero);

	return shared ? *(volatile u64 *)&shared->told_generation : 0;
}

static __always_inline u64 *touch_epoch(u32 pid)
{
	u32 key = pid & (TOUCH_EPOCHS - 1);

	return touch_epochs.lookup(&key);
}

/* Who asks (a process' file table, a thread), about which number. */
static __always_inline u64 touch_question(u64 owner, u32 pid, u32 number)
{
	u64 mixed = owner + ((u64)pid << 40) + ((u64)number << 17) + touch_generation();

	mixed *= TOUCH_FACTOR;
	return mixed ^ mixed >> 29;
}

static __always_inline u64 touch_word(u64 question, u64 found)
{
	return (question & ~0xffffffffULL) | (u32)(found >> 4);
}

static __always_inline struct touch_set *touch_set_of(u64 question)
{
	u32 key = question & (TOUCH_SETS - 1);

	return touch_sets.lookup(&key);
}

static __always_inline u32 touch_first_way(u64 question)
{
	return question >> 20 & (TOUCH_WAYS - 1);
}

/* whether `found` was told as the answer to the question */
static __always_inline bool touch_was_told(u64 question, u64 found)
{
	struct touch_set *set = touch_set_of(question);
	u64 word = touch_word(question, found);

	if (!set)
		return true;
	if (set->ways[touch_first_way(question)] == word)
		return true;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < TOUCH_WAYS; i++)
		if (set->ways[i] == word)
			return true;
	return false;
}

/* Enter the answer, in place of an older one; 0 takes the older one out. */
static __always_inline void touch_enter(u64 question, u64 found)
{
	struct touch_set *set = touch_set_of(question);
	u64 word = found ? touch_word(question, found) : 0;
	u32 first = touch_first_way(question);
	u32 other = (first + 1 + (question >> 23 & 3)) & (TOUCH_WAYS - 1);

	if (!set)
		return;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < TOUCH_WAYS; i++) {
		if ((set->ways[i] ^ question) >> 32)
			continue;
		set->ways[i] = word;
		return;
	}
	if (!word)
		return;
	set->ways[other] = set->ways[first];
	set->ways[first] = word;
}

/* The file behind an fd and the table it is in, to s->touch; false when there is none. */
static __always_inline bool touch_look(struct scratch *s, u32 fd)
{
	void *files = base_follow(base_task(), struct task_struct, files);
	void *table;
	u64 file;

	if (!files)
		return false;
	*(volatile u64 *)&s->touch.files = (u64)files;
	table = base_follow(files, struct files_struct, fdt);
	if (!table || fd >= base_follow(table, struct fdtable, max_fds))
		return false;
	file = base_load((char *)base_follow(table, struct fdtable, fd) + (u64)fd * sizeof(void *));
	s->touch.file = file;
	return file != 0;
}

static __always_inline u64 touch_fd_question(struct scratch *s, u32 pid, u32 fd)
{
	return touch_question(*(volatile u64 *)&s->touch.files, pid, fd);
}

static __always_inline u64 touch_thread_question(u32 tid)
{
	return touch_question(tid, 0, TOUCH_SELF);
}

/* tid and generation: a slot taken over by another thread, or lost records, make it void */
static __always_inline u64 touch_tag(u32 tid, u64 number)
{
	return (u64)tid << 32 | (u32)number;
}

static __always_inline bool touch_is_thread_told(struct slot *slot, u32 tid)
{
	return slot && slot->told_tag == touch_tag(tid, touch_generation());
}

/* The cheapest look: false when it has to be looked closer. */
static __always_inline bool touch_has_bit(struct slot *slot, u32 tid, u32 pid, u32 fd)
{
	u64 *epoch = touch_epoch(pid);

	return fd < TOUCH_BITS && slot && epoch && slot->epoch_tag == touch_tag(tid, *epoch) &&
	       slot->fds >> fd & 1;
}

static __always_inline void touch_set_bit(struct slot *slot, u32 tid, u32 pid, u32 fd)
{
	u64 *epoch = touch_epoch(pid);
	u64 tag;

	if (fd >= TOUCH_BITS || !slot || !epoch)
		return;
	tag = touch_tag(tid, *(volatile u64 *)epoch);
	if (slot->epoch_tag != tag) {
		slot->fds = 0;
		slot->epoch_tag = tag;
	}
	slot->fds |= 1ULL << fd;
}

/* Whether the file behind the fd was told, or there is nothing to tell. */
static __always_inline bool touch_is_fd_told(struct scratch *s, struct slot *slot, u32 tid, u32 pid,
					     u32 fd)
{
	if (touch_has_bit(slot, tid, pid, fd) || !touch_look(s, fd))
		return true;
	if (!touch_was_told(touch_fd_question(s, pid, fd), s->touch.file))
		return false;
	touch_set_bit(slot, tid, pid, fd);
	return true;
}

/* an event tells what is behind this fd */
static __always_inline void touch_fd_is_told(struct scratch *s, u32 pid, u32 fd)
{
	if (touch_look(s, fd))
		touch_enter(touch_fd_question(s, pid, fd), s->touch.file);
}

static __always_inline void touch_thread_is_told(u32 tid, u64 task)
{
	touch_enter(touch_thread_question(tid), task);
}

/* what a call does whose command says whether it makes a duplicate of its first argument */
static __always_inline u32 touch_of_command(u32 due, u64 command)
{
	bool is_duplicate =
		(u32)command == NATIVE_F_DUPFD || (u32)command == NATIVE_F_DUPFD_CLOEXEC;

	return (due & ~TOUCH_DUPLICATES) | (is_duplicate ? TOUCH_RESULT : 0);
}

/* files of the process were closed: what its threads remember in their slots is void */
static __always_inline void touch_closed(u32 pid)
{
	u64 *epoch = touch_epoch(pid);

	if (epoch)
		__sync_fetch_and_add(epoch, 1);
}

static __always_inline void touch_fd_closed(struct scratch *s, u32 pid, u32 fd)
{
	touch_closed(pid);
	touch_look(s, fd);
	touch_enter(touch_fd_question(s, pid, fd), 0);
}

/* before the record of a handler, the thread that runs is told if it was not */
static __always_inline void touch_caller_first(struct scratch *s, u32 handler)
{
	u64 question = touch_thread_question((u32)bpf_get_current_pid_tgid());

	s->touch.then = handler;
	s->touch.due = touch_was_told(question, bpf_get_current_task()) ? 0 : TOUCH_THREAD;
}

/* Before the record of a ring's request: it completes in the context of its process but for rare cases, in which
 * nothing can be looked up. */
static __always_inline void touch_ring_call(struct scratch *s)
{
	u64 id = bpf_get_current_pid_tgid();
	struct plan *plan;

	touch_caller_first(s, HANDLER_URING);
	if (s->touch.due && s->call.tid != (u32)id)
		s->touch.due = 0;
	plan = base_call_plan(s);
	if (plan && !s->call.direct && s->call.pid == id >> 32)
		s->touch.due |= plan->touch;
}
