/*
 * Level 0: shared structures, maps, and reading kernel memory.
 * Everything here is independent of what an event means.
 *
 * Defined by the loader: COPY_MASK, SCRATCH_LIMIT, SCRATCH_SLACK, SLOT_COUNT, CPU_COUNT, MAX_RINGS,
 * FEATURE_* and the numbers both must agree on (capture/kernel.py).
 */
#ifndef NULL
#define NULL ((void *)0)
#endif

#define NR_SKIP 0xffffffff

#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif

/* A constant of the run: a 64-bit load whose operand is filled in when the program is loaded
 * (capture/image.py), so that one compilation serves every run and reading it costs nothing. */
#define base_constant(mark) bpf_pseudo_fd(0, mark)
#define TRACER_PID base_constant(CONSTANT_TRACER_PID)
#define CLOCK_OFFSET base_constant(CONSTANT_CLOCK_OFFSET)
#define SNAPLEN base_constant(CONSTANT_SNAPLEN)
#define WAKE_BYTES base_constant(CONSTANT_WAKE_BYTES) /* per CPU */
#define RING_COUNT base_constant(CONSTANT_RING_COUNT)
/* what the run's filters ask for (judge.c): code for what they do not is never loaded */
#define JUDGE_DROPS base_constant(CONSTANT_JUDGE_DROPS)
#define JUDGE_FILTERS base_constant(CONSTANT_JUDGE_FILTERS)
#define JUDGE_NEEDS base_constant(CONSTANT_JUDGE_NEEDS)
#define JUDGE_RULES base_constant(CONSTANT_JUDGE_RULES)
#define OVERHEAD base_constant(CONSTANT_OVERHEAD) /* whether the cost is capped (overhead.c) */
#define LATENCY base_constant(CONSTANT_LATENCY)	  /* whether entries are looked at */

#define PLAN_COUNT 512
#define PLAN_PARAMS 10
#define CONVERSION_COUNT 32
#define CONVERSION_PAIRS 48
#define CONVERSION_LAST 0x80000000
#define TEXT_MAX 4096
#define PATH_MAX_PARTS 48
#define NAME_SIZE 256
#define GAP_SIZE 96
#define IOV_MAX_PARTS 32

/* causes of loss and of incomplete records, in the order user space reads them */
struct counters {
	u64 ring_full;
	u64 scratch_full;
	u64 unreadable;
	u64 slot_lost;
	u64 left_out; /* not lost: nobody wanted them (judge.c) */
	u64 calls;    /* of system calls that ended, with OVERHEAD */
	u64 pad[2];
};

/* written by user space through its mapping, read by the programs */
struct control {
	u64 generation;
	u64 told_generation; /* what was told before has to be told again (touch.c) */
	u64 reduction; /* REDUCE_* bits, and from bit 32 on the part that is kept (overhead.c) */
	u64 clock;     /* what turns the monotonic clock into the time since the epoch */
};

/* how one parameter of a record is made: capture/plans.py writes these */
struct step {
	u8 op;
	u8 arg;
	u8 size;
	u8 detail;
};

struct plan {
	u16 type;
	u16 ppm_sc;
	u8 handler;
	u8 nparams;
	u8 detail;
	u8 verdict; /* VERDICT_*, by the filters of the run */
	u8 group;   /* of calls that the same question decides about */
	u8 feeds_state;
	u8 fd_arg; /* which argument is the fd the event works on; 255: none */
	u8 rules;  /* of calls that the same snaplen rules decide about; 0: none does */
	u16 touch; /* TOUCH_*: which arguments and results are fds */
	u8 spare;  /* SPARE_*: whether it may be left out to cap the cost */
	u8 fd_at;  /* of a brief record: parameter with the fd; 0: none; BRIEF_NEVER */
	struct step steps[PLAN_PARAMS];
};

struct pair {
	u32 native;
	u32 ppm;
};

/* native flag bits or enumerators to those of the schema */
struct conversion {
	u32 kind;
	u32 otherwise;
	struct pair pairs[CONVERSION_PAIRS];
};

/* one thread's call in flight; 64 bytes so that two threads never share a cache line */
struct slot {
	u64 enter_ts;
	u64 cgroup_tag;
	u64 generation_tag;
	u64 clone_flags;
	u32 tid;
	u32 nr;
	u64 told_tag;  /* the thread was told (touch.c) */
	u64 epoch_tag; /* since when `fds` holds */
	u64 fds;       /* of fds 0..63 those that were told */
};

struct call {
	u64 ts;
	u64 latency;
	u64 cgroup_id;
	s64 ret;
	u64 args[6];
	s64 tid;
	u32 pid;
	u32 cpu;
	u32 flags;
	u32 nr;
	u64 clone_flags;
	u64 task;    /* whom the record is about; 0 the current one */
	u64 program; /* struct linux_binprm of a successful exec */
	u32 type;
	u32 next; /* the handler that goes on with the record */
	u64 wanted;
	u64 done;
	u64 snaplen; /* with JUDGE_RULES: of this call's data */
	/* only with RECORD_FLAG_IO_URING (uring.c) */
	u64 file;   /* what the first argument's fd stands for */
	u64 kept;   /* struct ring_kept with copies of arguments, or 0 */
	u32 direct; /* works on a slot of the ring's own table: there is no fd */
};

/* What a request of an io_uring pointed at when it was taken from the ring. */
#define RING_KEPT_PART 1024
#define RING_KEPT_FIRST 1
#define RING_KEPT_SECOND 2

struct ring_kept {
	u64 ts;
	u8 first[RING_KEPT_PART];
	u8 second[RING_KEPT_PART];
};

/* a call that moves data or makes a connection, whatever its arguments look like */
struct transfer {
	u64 base;
	u64 vector;
	u64 count;
	u64 size;
	u64 limit;
	u64 address;
	u64 control;
	u64 control_length;
	s64 result;
	u32 address_length;
	s32 fd; /* whose tuple to tell; negative: none */
	u32 from_peer;
	u32 item;
};

/* what is to be told before the record (tell.c) */
struct touch {
	u64 files;
	u64 file;
	u64 task;
	u32 due;  /* TOUCH_* bits */
	u32 then; /* the handler to go on with, or TOUCH_THEN_* */
	u32 fd;
	u32 above;
};

/* where a record is built: one per CPU, programs of one CPU never interleave */
struct scratch {
	struct call call;
	struct transfer transfer;
	struct touch touch;
	u32 pos;
	u32 index;
	u32 unannounced;
	u32 unreadable; /* added to the counters when the record is sent */
	u32 crowded;
	u32 gap; /* records lost since the stream was told so */
	u32 text_at;
	u8 gap_record[GAP_SIZE];
	u64 told; /* of the calls left out, those that a record has counted */
	u8 text[TEXT_MAX + NAME_SIZE + 8];
	u8 record[SCRATCH_LIMIT + SCRATCH_SLACK];
};

BPF_F_TABLE("array", u32, struct counters, counters, CPU_COUNT, BPF_F_MMAPABLE);
BPF_F_TABLE("array", u32, struct control, control, 1, BPF_F_MMAPABLE);
BPF_TABLE("array", u32, struct plan, plans, PLAN_COUNT);
BPF_TABLE("array", u32, struct conversion, conversions, CONVERSION_COUNT);
BPF_TABLE("array", u32, struct slot, slots, SLOT_COUNT);
BPF_TABLE("lru_hash", u32, struct slot, crowded_slots, 16384);
BPF_TABLE("array", u32, struct scratch, scratches, CPU_COUNT);
BPF_PROG_ARRAY(handlers, 32);
BPF_RINGBUF_OUTPUT(ring, 1); /* its real size is set when it is loaded */
#ifdef FEATURE_RINGS
BPF_ARRAY_OF_MAPS(rings, "ring", MAX_RINGS); /* filled by the loader, the first is `ring` */
#endif

/* The kernel's helpers under names of our own: at each use of the usual ones bcc's rewriter reads the
 * whole of /proc/kallsyms to see whether they exist, which takes longer than all the rest. */
static long (*base_read_kernel)(void *to, u32 size,
				const void *from) = (void *)BPF_FUNC_probe_read_kernel;
static long (*base_read_kernel_text)(void *to, u32 size,
				     const void *from) = (void *)BPF_FUNC_probe_read_kernel_str;
static long (*base_read_user)(void *to, u32 size,
			      const void *from) = (void *)BPF_FUNC_probe_read_user;
static long (*base_read_user_text)(void *to, u32 size,
				   const void *from) = (void *)BPF_FUNC_probe_read_user_str;

#define base_at(ptr, type, member) ((const char *)(ptr) + offsetof(type, member))

/* hides from the compiler what is known of a number: left out by it, a mask is missed by older verifiers */
#define base_opaque(number) asm volatile("" : "+r"(number))

/* base_get(ptr, struct x, member): the value of a member that fits a register; base_load(address): the word
 * there. Zero when the memory cannot be read.
 *
 * By a helper that takes longer than all the rest of a short program: 31 ns, where a load takes one (each
 * function of the kernel returns by a detour, so that the processor does not guess where to). Programs may
 * load only by pointers whose type is known. Since 6.2 bpf_rdonly_cast gives one to any address, and costs no
 * instruction; for KERNEL_WORD (struct timespec64) the value that is loaded is a plain number. The address is
 * calculated as a number: of a pointer LLVM 14 gets some offsets wrong here. */
#ifdef FEATURE_TYPED_READS
static const void *(*base_cast)(const void *address, u32 type) = (void *)HOOK_CAST;
#define base_get(ptr, type, member)                          \
	(*(volatile typeof(((type *)0)->member) *)base_cast( \
		(const void *)((u64)(ptr) + offsetof(type, member)), KERNEL_WORD))
#define base_load(address) (*(volatile u64 *)base_cast((const void *)(u64)(address), KERNEL_WORD))
#else
#define base_get(ptr, type, member)                                             \
	({                                                                      \
		typeof(((type *)0)->member) base_value;                         \
		__builtin_memset((void *)&base_value, 0, sizeof(base_value));   \
		base_read_kernel((void *)&base_value, sizeof(base_value),       \
				 (const char *)(ptr) + offsetof(type, member)); \
		base_value;                                                     \
	})
#define base_load(address)                                                            \
	({                                                                            \
		u64 base_value = 0;                                                   \
		base_read_kernel(&base_value, sizeof(base_value), (void *)(address)); \
		base_value;                                                           \
	})
#endif

/* Between 5.11 and 6.2 only the pointer to the task has a type. base_follow: base_get of a pointer that came
 * from base_task() by this macro alone; such a one cannot be calculated with before it went through memory. */
#if defined(FEATURE_TYPED_TASK) && !defined(FEATURE_TYPED_READS)
static void *(*base_task)(void) = (void *)BPF_FUNC_get_current_task_btf;
#define base_follow(ptr, type, member) \
	(*(volatile typeof(((type *)0)->member) *)base_at(ptr, type, member))
#else
static void *(*base_task)(void) = (void *)BPF_FUNC_get_current_task;
#define base_follow(ptr, type, member) base_get(ptr, type, member)
#endif

/* the 16 bytes of an IPv6 address */
static __always_inline void base_get_address(void *to, const void *from)
{
#ifdef FEATURE_TYPED_READS
	((u64 *)to)[0] = base_load(from);
	((u64 *)to)[1] = base_load((const char *)from + 8);
#else
	base_read_kernel(to, 16, from);
#endif
}

static __always_inline struct scratch *base_scratch(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return scratches.lookup(&cpu);
}

/* the plan of the call in hand */
static __always_inline struct plan *base_call_plan(struct scratch *s)
{
	u32 nr = s->call.nr;

	return plans.lookup(&nr);
}

static __always_inline struct counters *base_counters(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return counters.lookup(&cpu);
}

static __always_inline bool base_is_ring_call(struct scratch *s)
{
	return s->call.flags & RECORD_FLAG_IO_URING;
}

/* whether a pointer among the arguments points at a copy that was kept, not at the caller's memory */
static __always_inline bool base_is_kept(struct scratch *s, u64 address)
{
	return base_is_ring_call(s) && s->call.kept &&
	       address - s->call.kept < sizeof(struct ring_kept);
}

/* what an argument points at */
static __always_inline long base_read_pointed(struct scratch *s, void *to, u32 size, u64 address)
{
	if (base_is_kept(s, address))
		return base_read_kernel(to, size, (void *)address);
	return base_read_user(to, size, (void *)address);
}

static __always_inline long base_read_pointed_text(struct scratch *s, void *to, u32 size,
						   u64 address)
{
	if (base_is_kept(s, address))
		return base_read_kernel_text(to, size, (void *)address);
	return base_read_user_text(to, size, (void *)address);
}

/* what is done less to cap the cost */
static __always_inline u64 base_reduction(void)
{
	u32 zero = 0;
	struct control *shared;

	if (!OVERHEAD)
		return 0;
	shared = control.lookup(&zero);
	return shared ? *(volatile u64 *)&shared->reduction : 0;
}

/* how much of the call's data is kept */
static __always_inline u64 base_snaplen(struct scratch *s)
{
	if (base_reduction() & REDUCE_DATA)
		return 0;
	return JUDGE_RULES ? s->call.snaplen : SNAPLEN;
}

static __always_inline void base_count_unreadable(struct scratch *s)
{
	s->unreadable++;
}

/* The time since the epoch by the clock that goes on while the machine sleeps (CLOCK_OFFSET belongs to it). The
 * monotonic one is read 8 ns sooner; how far the two are apart changes with a sleep only (suspend.c). */
static __always_inline u64 base_now(void)
{
	u32 zero = 0;
	struct control *shared = control.lookup(&zero);

	return bpf_ktime_get_ns() + (shared ? *(volatile u64 *)&shared->clock : 0);
}
