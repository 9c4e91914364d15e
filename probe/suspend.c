/*
 * Level 3: the machine slept, so the clock that records are stamped by is behind.
 */

/* args: action, value, whether it starts; the steps of waking up come before any user's thread goes on */
int on_suspend_resume(struct bpf_raw_tracepoint_args *ctx)
{
	u32 zero = 0;
	struct control *shared = control.lookup(&zero);

	if (shared)
		*(volatile u64 *)&shared->clock =
			bpf_ktime_get_boot_ns() - bpf_ktime_get_ns() + CLOCK_OFFSET;
	return 0;
}
