"""The comparison catches one wrong byte, and the way it runs the program is the way a user does."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.oracle.cases import COLUMN, RECORD, Case, column_of
from tests.oracle.compare import differing, json_in_order, table_in_order
from tests.oracle.made_traces import files
from tests.oracle.test_replay import check
from tests.oracle.tools import ENVIRONMENT, Done, Runs, sysdig, sysdig_py
from tests.source_tree import ROOT

TRACE = files()[-1]
CASE = Case(TRACE, "made", "", ("-r", str(TRACE)))


class Changed(Runs):
    """Runs of which one says something else than it did: the program gives what the oracle does, changed."""

    def __init__(self, change: slice, text: bytes, code: int = 0) -> None:
        super().__init__()
        self.change, self.text, self.code = change, text, code

    def both(self, words: tuple[str, ...]) -> tuple[Done, Done]:
        theirs = sysdig(words)
        ours = bytearray(theirs.out)
        ours[self.change] = self.text
        return theirs, replace(theirs, out=bytes(ours), code=self.code)


def test_what_is_the_same_passes() -> None:
    check(CASE, Changed(slice(0, 0), b""))


@pytest.mark.parametrize("change", [slice(0, 1), slice(700, 701), slice(-1, None)])
def test_one_changed_byte_is_caught(change: slice) -> None:
    with pytest.raises(pytest.fail.Exception, match="lines differ"):
        check(CASE, Changed(change, b"~"))


def test_a_missing_line_end_and_a_bad_exit_code_are_caught() -> None:
    with pytest.raises(pytest.fail.Exception):
        check(CASE, Changed(slice(-1, None), b""))
    with pytest.raises(pytest.fail.Exception, match="exit code 3"):
        check(CASE, Changed(slice(0, 0), b"", code=3))


def test_the_forked_program_is_the_program() -> None:
    words = ("-r", str(TRACE), "-S")
    command = [sys.executable, "-m", "sysdig_py", *words]
    real = subprocess.run(command, capture_output=True, cwd=ROOT, env=ENVIRONMENT, check=False)
    assert sysdig_py(words) == Done(real.stdout, real.stderr, real.returncode)


def test_a_column_holds_one_field_of_every_event() -> None:
    out = f"1{COLUMN}a\nb{COLUMN}x{RECORD}\n2{COLUMN}c{COLUMN}y{RECORD}\n".encode()
    assert column_of(out, 1) == b"1 a\\nb\n2 c"
    assert column_of(out, 2) == b"1 x\n2 y"


TABLE = b"Bytes  Name\n-------\n9B  c\n5B  b\n5B  a\n1B  z\n"


def test_only_rows_of_the_same_value_change_places() -> None:
    assert table_in_order(TABLE) == b"Bytes  Name\n-------\n9B  c\n5B  a\n5B  b\n1B  z\n"
    assert differing(table_in_order(TABLE), table_in_order(TABLE.replace(b"9B", b"4B")))
    assert table_in_order(TABLE + TABLE) == table_in_order(TABLE) * 2


def test_what_a_full_table_cuts_off_is_left_to_chance() -> None:
    rows = [b"9B  top", *(b"5B  %c" % (97 + i) for i in range(9))]
    table = b"-------\n" + b"\n".join(rows) + b"\n"
    assert table_in_order(table).split(b"\n")[1:11] == [b"9B  top", *[b"5B"] * 9]


def test_json_keeps_what_is_in_it() -> None:
    one = b'{"data":[["a",1],["b",1]],"info":[{"x":1},null]}{"data":[]}'
    other = b'{"info":[{"x":1}],"data":[["b",1],["a",1]]}\n{"data":[]}\n'
    assert json_in_order(one) == json_in_order(other)
    assert json_in_order(one) != json_in_order(other.replace(b'"b",1', b'"b",2'))
    assert [json.loads(line) for line in json_in_order(b"1 2").split(b"\n")] == [1, 2]
