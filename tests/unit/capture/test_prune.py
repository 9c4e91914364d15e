from sysdig_py.capture.prune import prune, split

DUMP = """#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned int __u32;

typedef __u32 u32;

typedef int (*callback_t)(struct far *, u32);

typedef struct near *maker_t(u32);

struct far;

enum color {
	RED = 0,
	GREEN = 1,
};

enum {
	BPF_ONE = 1,
	BPF_TWO = 2,
};

struct inner {
	u32 a[4];
};

struct near {
	struct inner by_value;
	struct far *by_pointer;
	callback_t call;
	enum color color;
	maker_t *make;
};

struct unrelated {
	struct inner x;
};

struct far {
	struct unrelated much;
};
"""


def test_split_finds_every_definition_by_its_key():
    keys = [definition.key for definition in split(DUMP)]
    assert keys == [
        "typedef __u32", "typedef u32", "typedef callback_t", "typedef maker_t", "", "enum color", "",
        "struct inner", "struct near", "struct unrelated", "struct far",
    ]  # fmt: skip


def test_what_is_held_by_value_is_kept_and_what_is_pointed_to_is_declared():
    kept = prune(DUMP, frozenset({"near"}))
    assert "struct near {" in kept
    assert "struct inner {" in kept
    assert "enum color {" in kept
    assert "typedef __u32 u32;" in kept
    assert kept.index("typedef unsigned int __u32;") < kept.index("typedef __u32 u32;") < kept.index("struct near {")
    assert "struct far;" in kept
    assert "struct far {" not in kept
    assert "struct unrelated" not in kept


def test_a_constant_keeps_its_anonymous_enum():
    kept = prune(DUMP, frozenset({"BPF_TWO"}))
    assert "BPF_ONE = 1" in kept
    assert "RED" not in kept


def test_names_that_are_no_type_are_ignored():
    assert prune(DUMP, frozenset({"for", "nothing"})) == "#pragma once\n"
