/*
 * Level 0: the one place that knows an architecture's registers and calling convention.
 * `struct registers` is the part of pt_regs that matters, read with one call.
 */
#if defined(CONFIG_X86_64)

#define USER32_CS 0x23
#define STATUS_COMPAT 2 /* TS_COMPAT */

/* pt_regs from r10 on, in its order */
struct registers {
	u64 r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs;
};

static __always_inline void base_read_registers(struct registers *regs, u64 address)
{
#ifdef FEATURE_TYPED_READS
	regs->r10 = base_get(address, struct pt_regs, r10);
	regs->r9 = base_get(address, struct pt_regs, r9);
	regs->r8 = base_get(address, struct pt_regs, r8);
	regs->cx = base_get(address, struct pt_regs, cx);
	regs->dx = base_get(address, struct pt_regs, dx);
	regs->si = base_get(address, struct pt_regs, si);
	regs->di = base_get(address, struct pt_regs, di);
	regs->orig_ax = base_get(address, struct pt_regs, orig_ax);
	regs->ip = base_get(address, struct pt_regs, ip);
	regs->cs = base_get(address, struct pt_regs, cs);
#else
	base_read_kernel(regs, sizeof(*regs), base_at(address, struct pt_regs, r10));
#endif
}

static __always_inline void base_read_args(const struct registers *regs, u64 *args)
{
	args[0] = regs->di;
	args[1] = regs->si;
	args[2] = regs->dx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
}

static __always_inline u32 base_read_nr(const struct registers *regs)
{
	return regs->orig_ax;
}

static __always_inline u64 base_instruction(u64 address)
{
	return base_get(address, struct pt_regs, ip);
}

/* arguments by the convention of 32-bit programs */
static __always_inline void base_read_compat_args(u64 address, u64 *args)
{
	args[0] = (u32)base_get(address, struct pt_regs, bx);
	args[1] = (u32)base_get(address, struct pt_regs, cx);
	args[2] = (u32)base_get(address, struct pt_regs, dx);
	args[3] = (u32)base_get(address, struct pt_regs, si);
	args[4] = (u32)base_get(address, struct pt_regs, di);
	args[5] = (u32)base_get(address, struct pt_regs, bp);
}

/* The code segment tells a 32-bit program without another read of kernel memory. A 64-bit one makes such
 * a call by int 0x80, which unlike the usual instruction does not leave ip in cx; only then, and on
 * processors where neither does, the kernel's own mark has to be looked at. */
static __always_inline bool base_is_compat_call(u64 cs, u64 cx, u64 ip)
{
	u32 status;

	if ((u16)cs == USER32_CS)
		return true;
	if (cx == ip)
		return false;
	status = base_get(bpf_get_current_task(), struct task_struct, thread_info.status);
	return status & STATUS_COMPAT;
}

static __always_inline bool base_is_compat(const struct registers *regs)
{
	return base_is_compat_call(regs->cs, regs->cx, regs->ip);
}

/* whether the call in hand is one of the 32-bit table, without its registers */
static __always_inline bool base_is_task_compat(void)
{
	return base_follow(base_task(), struct task_struct, thread_info.status) & STATUS_COMPAT;
}

/* the number of a call and nothing else, false when it is one of the 32-bit table */
static __always_inline bool base_read_native_nr(u64 address, u32 *nr)
{
#ifdef FEATURE_TYPED_READS
	*nr = base_get(address, struct pt_regs, orig_ax);
	return !base_is_compat_call(base_get(address, struct pt_regs, cs),
				    base_get(address, struct pt_regs, cx),
				    base_get(address, struct pt_regs, ip));
#else
	struct {
		u64 cx, dx, si, di, orig_ax, ip, cs;
	} part;

	base_read_kernel(&part, sizeof(part), base_at(address, struct pt_regs, cx));
	*nr = part.orig_ax;
	return !base_is_compat_call(part.cs, part.cx, part.ip);
#endif
}

#elif defined(CONFIG_ARM64)

#define PSTATE_MODE32 0x10
#define THREAD_32BIT (1 << 22) /* TIF_32BIT */

/* two parts of pt_regs: all of it takes most of a program's stack */
struct registers {
	u64 x[6];
	struct {
		u64 pstate, orig_x0;
		s32 number;
	} rest;
};

static __always_inline void base_read_registers(struct registers *regs, u64 address)
{
	base_read_kernel(&regs->x, sizeof(regs->x), base_at(address, struct pt_regs, regs));
	base_read_kernel(&regs->rest, sizeof(regs->rest), base_at(address, struct pt_regs, pstate));
}

static __always_inline void base_read_args(const struct registers *regs, u64 *args)
{
	args[0] = regs->rest.orig_x0; /* its register has the result by now */
	args[1] = regs->x[1];
	args[2] = regs->x[2];
	args[3] = regs->x[3];
	args[4] = regs->x[4];
	args[5] = regs->x[5];
}

static __always_inline void base_read_compat_args(u64 address, u64 *args)
{
	/* the registers are those of any call, and nothing is translated so far */
}

static __always_inline u32 base_read_nr(const struct registers *regs)
{
	return regs->rest.number;
}

static __always_inline u64 base_instruction(u64 address)
{
	return base_get(address, struct pt_regs, pc);
}

static __always_inline bool base_is_compat(const struct registers *regs)
{
	return regs->rest.pstate & PSTATE_MODE32;
}

/* whether the call in hand is one of the 32-bit table, without its registers */
static __always_inline bool base_is_task_compat(void)
{
	return base_follow(base_task(), struct task_struct, thread_info.flags) & THREAD_32BIT;
}

/* the number of a call and nothing else, false when it is one of the 32-bit table */
static __always_inline bool base_read_native_nr(u64 address, u32 *nr)
{
	struct {
		u64 pstate, orig_x0;
		s32 number;
	} part;

	base_read_kernel(&part, sizeof(part), base_at(address, struct pt_regs, pstate));
	*nr = part.number;
	return !(part.pstate & PSTATE_MODE32);
}

#else
#error "unsupported architecture"
#endif
