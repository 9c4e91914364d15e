import re
from pathlib import Path

from sysdig_py import locations
from sysdig_py.capture import probe_source
from sysdig_py.capture.handlers import INLINE, Handler


def test_every_file_of_the_probe_is_joined_once_and_in_order():
    text = probe_source.join(locations.PROBE)
    assert re.findall(r'^#line 1 "probe/(.*)"$', text, re.MULTILINE) == list(probe_source.ORDER)
    assert {p.name for p in locations.PROBE.iterdir() if p.suffix in (".c", ".h")} == set(probe_source.ORDER)


def test_order_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(probe_source, "ORDER", ("b.c", "a.c"))
    Path(tmp_path, "a.c").write_text("second")
    Path(tmp_path, "b.c").write_text("first")
    assert probe_source.join(tmp_path) == '#line 1 "probe/b.c"\nfirst\n#line 1 "probe/a.c"\nsecond\n'


def test_identifiers_leave_the_generated_header_out_and_take_defines_in():
    source = '#line 1 "probe/schema.h"\n#define EV_X 1\n#line 1 "probe/base.c"\nstruct thing x;\n'
    assert {"thing", "__parent", "NAME"} <= probe_source.identifiers(source, {"NAME": "__parent"})
    assert "EV_X" not in probe_source.identifiers(source, {})


def test_defines_become_flags_in_a_fixed_order():
    assert probe_source.cflags({"B": "2", "A": '"x="'})[-2:] == ['-DA="x="', "-DB=2"]


def test_the_probe_has_a_program_for_every_handler_and_no_other():
    found = set(re.findall(r"^int handle_(\w+)\(", probe_source.join(locations.PROBE), re.MULTILINE))
    assert found == {handler.name.lower() for handler in Handler if handler not in INLINE}


def test_a_level_uses_only_lower_levels():
    text = {name: (locations.PROBE / name).read_text() for name in probe_source.ORDER}
    level = {name: int(found[1]) for name in text if (found := re.search(r"Level (\d)", text[name]))}
    prefix = {"base": 0, "extract": 1, "store": 2, "slot": 2, "path": 2, "vector": 2}
    for name, own in level.items():
        for word, other in prefix.items():
            if other > own:
                assert not re.search(rf"\b{word}_\w+\(", text[name]), (name, word)


def test_structures_of_the_probe_are_not_looked_for_in_the_kernel():
    found = probe_source.identifiers("struct slot {\n\tu32 tid;\n};\nstruct task_struct *task;", {})
    assert "slot" not in found
    assert "task_struct" in found
