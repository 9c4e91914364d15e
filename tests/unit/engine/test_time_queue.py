"""What waits to be written comes out in the order of time, whatever it is given in."""

from hypothesis import given
from hypothesis import strategies as st

from tests.lua_probe import Probe

MILLISECOND = 1_000_000
PROBE = Probe()
# takes all entries of one round, a flush time after each, and returns the order in which they came out
RUN = """
local queue, rounds = require("scap.time_queue"), ...
local out, number, written = {}, 0, -math.huge
queue.open()
local function pop()
    local ts, at, kind = queue.pop()
    written = ts
    out[#out + 1] = ("%.0f:%d:%d"):format(ts, at, kind)
end
for flush, times in rounds:gmatch("(%S+);([^\\n]*)") do
    while queue.first() <= tonumber(flush) do pop() end
    for ts in times:gmatch("%S+") do
        number = number + 1
        queue.push(math.max(tonumber(ts), written), number, number % 3)
    end
end
local left = queue.size()
while queue.size() > 0 do pop() end
assert(queue.first() == math.huge)
return table.concat(out, " "), left
"""


def ordered(rounds: list[tuple[int, list[int]]]) -> list[str]:
    """Say what a list that is sorted at every step gives."""
    out, waiting, number, written = list[str](), list[tuple[int, int]](), 0, -(10**18)
    for flush, times in [*rounds, (10**18, [])]:
        waiting.sort()
        while waiting and waiting[0][0] <= flush:
            written, which = waiting.pop(0)
            out.append(f"{written}:{which}:{which % 3}")
        for ts in times:
            number += 1
            waiting.append((max(ts, written), number))
    return out


def taken(rounds: list[tuple[int, list[int]]]) -> list[str]:
    text = "\n".join(f"{flush};{' '.join(map(str, times))}" for flush, times in rounds) + "\n"
    return bytes(PROBE.engine.execute(RUN, text.encode())[0]).decode().split()


@st.composite
def streams(draw: st.DrawFn) -> list[tuple[int, list[int]]]:
    """Rounds of times that move on, with what is late, equal, or far ahead."""
    now, rounds = draw(st.integers(-5, 5)) * MILLISECOND, []
    for _ in range(draw(st.integers(1, 12))):
        now += draw(st.sampled_from([0, 1, 300_000, MILLISECOND, 700 * MILLISECOND, 10_000 * MILLISECOND]))
        back = st.integers(0, 5_000 * MILLISECOND) | st.integers(0, 3) | st.integers(0, 3 * MILLISECOND)
        late = draw(st.lists(back, max_size=30))
        rounds.append((now - 5_000 * MILLISECOND, [now - by for by in late]))
    return rounds


@given(streams())
def test_the_order_is_that_of_time_and_then_of_coming(rounds: list[tuple[int, list[int]]]) -> None:
    assert taken(rounds) == ordered(rounds)


def test_room_grows_and_is_used_again() -> None:
    rounds = [(now * MILLISECOND - 5, [now * MILLISECOND + i % 7 for i in range(5000)]) for now in range(20)]
    assert taken(rounds) == ordered(rounds)
