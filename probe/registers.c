/*
 * Level 0: the one place that knows an architecture's registers and calling convention.
 * `struct registers` is the part of pt_regs that matters, read with one call.
 */
#if defined(CONFIG_X86_64)

#define USER32_CS 0x23

/* pt_regs from r10 on, in its order */
struct registers {
	u64 r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs;
};

static __always_inline void base_read_registers(struct registers *regs, u64 address)
{
	base_read_kernel(regs, sizeof(*regs), base_at(address, struct pt_regs, r10));
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

/* the code segment tells a 32-bit program without another read of kernel memory */
static __always_inline bool base_is_compat(const struct registers *regs)
{
	return (u16)regs->cs == USER32_CS;
}

/* the number of a call and nothing else, false when it is one of the 32-bit table */
static __always_inline bool base_read_native_nr(u64 address, u32 *nr)
{
	struct {
		u64 orig_ax, ip, cs;
	} part;

	base_read_kernel(&part, sizeof(part), base_at(address, struct pt_regs, orig_ax));
	*nr = part.orig_ax;
	return (u16)part.cs != USER32_CS;
}

#elif defined(CONFIG_ARM64)

#define PSTATE_MODE32 0x10

struct registers {
	struct pt_regs all;
};

static __always_inline void base_read_registers(struct registers *regs, u64 address)
{
	base_read_kernel(regs, sizeof(*regs), (void *)address);
}

static __always_inline void base_read_args(const struct registers *regs, u64 *args)
{
	args[0] = regs->all.orig_x0;
	args[1] = regs->all.regs[1];
	args[2] = regs->all.regs[2];
	args[3] = regs->all.regs[3];
	args[4] = regs->all.regs[4];
	args[5] = regs->all.regs[5];
}

static __always_inline u32 base_read_nr(const struct registers *regs)
{
	return regs->all.syscallno;
}

static __always_inline u64 base_instruction(u64 address)
{
	return base_get(address, struct pt_regs, pc);
}

static __always_inline bool base_is_compat(const struct registers *regs)
{
	return regs->all.pstate & PSTATE_MODE32;
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
