/*
 * Level 0: the one place that knows an architecture's registers and calling convention.
 */
#if defined(CONFIG_X86_64)

#define USER32_CS 0x23

static __always_inline void base_read_args(const struct pt_regs *regs, u64 *args)
{
	args[0] = regs->di;
	args[1] = regs->si;
	args[2] = regs->dx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
}

static __always_inline u32 base_read_nr(const struct pt_regs *regs)
{
	return regs->orig_ax;
}

/* the code segment tells a 32-bit program without another read of kernel memory */
static __always_inline bool base_is_compat(const struct pt_regs *regs)
{
	return *(const u16 *)&regs->cs == USER32_CS;
}

#elif defined(CONFIG_ARM64)

#define PSTATE_MODE32 0x10

static __always_inline void base_read_args(const struct pt_regs *regs, u64 *args)
{
	args[0] = regs->orig_x0;
	args[1] = regs->regs[1];
	args[2] = regs->regs[2];
	args[3] = regs->regs[3];
	args[4] = regs->regs[4];
	args[5] = regs->regs[5];
}

static __always_inline u32 base_read_nr(const struct pt_regs *regs)
{
	return regs->syscallno;
}

static __always_inline bool base_is_compat(const struct pt_regs *regs)
{
	return regs->pstate & PSTATE_MODE32;
}

#else
#error "unsupported architecture"
#endif
