"""A checkpoint tells all that the records before it told: whoever begins there knows what everybody knows."""

from pathlib import Path

import pytest

from sysdig_py.engine.state_keeper import StateKeeper, _feed
from sysdig_py.engine.vm import Engine
from sysdig_py.schema.record import Record, unpack_record
from sysdig_py.schema.state import Checkpoint, State
from sysdig_py.trace.reader import NativeReader
from tests.traces import records_of, story

DATA = Path(__file__).parents[2] / "data"
# of exit events; streams with enter events have no checkpoints
TRACES = sorted(DATA.glob("*.spy"))

# Everything in the tables as sorted text. Tables that occur twice are named by their first place: what is shared has to
# be shared in the same way. What belongs to a written trace or to one event only is left out.
DUMP = """
local ffi = require("ffi")
local LEFT_OUT = { told = true, named = true, told_fds = true, told_in = true, held = true, kept_enter = true,
    cwd_before = true, closed = true }
local seen, out = {}, {}
local function ordered(t)
    local keys = {}
    for key in pairs(t) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    return keys
end
local function dump(value, place)
    if type(value) ~= "table" then
        if type(value) == "cdata" then value = tostring(value):gsub("%a", "") end
        if value ~= nil and value ~= false then out[#out + 1] = place .. "=" .. tostring(value) end
        return
    end
    if seen[value] then
        out[#out + 1] = place .. "->" .. seen[value]
        return
    end
    seen[value] = place
    for _, key in ipairs(ordered(value)) do
        if not LEFT_OUT[key] then dump(rawget(value, key), place .. "." .. tostring(key)) end
    end
end
local threads, containers, users = require("state.threads"), require("state.containers"), require("state.users")
local fds = require("state.fds")
if fds.pending > 0 then fds.flush() end
if threads.pending > 0 then threads.flush() end
dump(threads.by_tid, "t") dump(threads.count, "count")
for _, name in ipairs({ "by_id", "by_cgroup", "by_ip", "path_of" }) do dump(containers[name], name) end
dump(users.by_uid, "u") dump(users.by_gid, "g") dump(require("state.interfaces").list, "i")
local keys, owner = require("state.endpoints").all()
for i, key in ipairs(keys) do dump(owner[key], "e" .. i .. key) end
dump(tonumber(require("control").control.num), "num")
dump(require("record").cur.first_ts, "first")
dump(require("state.records").lost_by_cause, "lost")
return table.concat(out, "\\n")
"""


def dump(engine: Engine) -> list[str]:
    return [line.decode("latin-1") for line in bytes(engine.execute(DUMP)).split(b"\n")]


def blocks(path: Path) -> list[bytes]:
    with NativeReader(path) as reader:
        return [bytes(block.records) for block in reader]


def check(records: list[bytes], cut: int) -> None:
    """Compare one engine that reads all with one that begins at a checkpoint, there and at the end."""
    before, after = b"".join(records[:cut]), b"".join(records[cut:])
    keeper = StateKeeper({}, idle_bytes=0)
    if before:
        keeper.feed(before)
    state = keeper.state(4096)
    whole, resumed = Engine(), Engine()
    _feed(whole, before)
    for part, count in state.parts:
        assert len(records_of(part)) == count
        _feed(resumed, part)
    same(resumed, whole)
    for engine in (whole, resumed):
        _feed(engine, after)
    same(resumed, whole)


def same(one: Engine, other: Engine) -> None:
    ours, theirs = set(dump(one)), set(dump(other))
    assert (sorted(ours - theirs)[:20], sorted(theirs - ours)[:20]) == ([], [])


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.name)
@pytest.mark.parametrize("share", [0, 0.1, 0.35, 0.7, 0.999, 1])
def test_real_traces_go_on_as_if_all_had_been_read(path: Path, share: float) -> None:
    records = records_of(b"".join(blocks(path)))
    check(records, int(len(records) * share))


@pytest.mark.parametrize("cut", range(15))
def test_a_story_goes_on_from_every_place(cut: int) -> None:
    check(records_of(story().data), cut)


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.name)
def test_events_that_nobody_wants_leave_the_same_state(path: Path) -> None:
    """Without a sink most events are not looked at."""
    bare, full = Engine(), Engine()
    full.print_lines("%evt.num")
    for records in blocks(path):
        _feed(bare, records)
        _feed(full, records)
    same(bare, full)
    ours, theirs = bare.stats(), full.stats()
    assert ours == theirs


def test_a_short_trace_needs_no_engine() -> None:
    keeper = StateKeeper({}, idle_bytes=1 << 20)
    keeper.feed(story().data)
    assert keeper._engine is None
    assert keeper.state(1 << 20).start_ts > 0
    assert keeper._engine is not None


def test_it_begins_and_ends_with_a_mark() -> None:
    keeper = StateKeeper({})
    keeper.feed(story().data)
    first, *_, last = marks(b"".join(part for part, _ in keeper.state(1 << 20).parts))
    assert (first, last) == (Checkpoint.BEGIN, Checkpoint.COMPLETE)


def marks(data: bytes) -> list[int]:
    found: list[Record] = [unpack_record(record) for record in records_of(data)]
    return [record.params[0][0] if record.type_code == State.CHECKPOINT else 0 for record in found]
