/*
 * Level 2: calls by the numbers of 32-bit programs. Those whose arguments mean the same as in a 64-bit
 * program are brought into that form and told by name; of the others only the name is told.
 */
#define COMPAT_UNTRANSLATED 0xffff

struct compat_call {
	u16 native_nr;
	u16 ppm_sc;
};

BPF_TABLE("array", u32, struct compat_call, compat_calls, PLAN_COUNT);

/* the plan of the call it is the same as, NULL when there is none; s->call.type then tells its name */
static __always_inline struct plan *compat_translate(struct scratch *s, u64 registers)
{
	u32 nr = s->call.nr;
	struct compat_call *call = compat_calls.lookup(&nr);

	s->call.flags = RECORD_FLAG_COMPAT32;
	s->call.type = call ? call->ppm_sc : 0;
	if (!call || call->native_nr == COMPAT_UNTRANSLATED)
		return NULL;
	base_read_compat_args(registers, s->call.args);
	s->call.nr = nr = call->native_nr;
	return plans.lookup(&nr);
}
