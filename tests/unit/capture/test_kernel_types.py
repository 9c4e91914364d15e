from sysdig_py.capture.kernel_types import Types

TYPES = Types("""
enum bpf_func_id {
	BPF_FUNC_one = 7,
};
struct sock {
	u8 sk_userlocks: 4;
	struct {
		int inner[3];
	};
};
typedef void (*btf_trace_sys_enter)(void *, struct pt_regs *, long int);
""")


def test_what_there_is():
    assert TYPES.has("struct sock")
    assert not TYPES.has("struct sockaddr")
    assert TYPES.has_member("struct sock", "inner")
    assert not TYPES.has_member("struct sock", "user")
    assert TYPES.member_type("struct sock", "sk_userlocks") == "u8 sk_userlocks: 4"
    assert TYPES.constant("BPF_FUNC_one") == 7
    assert TYPES.constant("BPF_FUNC_two") is None


def test_functions_are_looked_up_in_the_names():
    assert Types("", b"\0one\0two_three\0").has_function("two_three")
    assert not Types("", b"\0one\0two_three\0").has_function("two")


def test_tracepoints_and_what_they_are_given():
    assert TYPES.has_tracepoint("sys_enter")
    assert not TYPES.has_tracepoint("sys")
    assert TYPES.tracepoint_takes("sys_enter", "struct pt_regs *")
    assert not TYPES.tracepoint_takes("sys_enter", "long int")
