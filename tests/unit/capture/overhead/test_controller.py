"""Which level follows from which measurements."""

from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.capture.overhead.controller import BELIEVED, CALM, HOLD, ROOM, Controller, Sample
from sysdig_py.capture.overhead.levels import LEVELS

LOWEST = len(LEVELS) - 1
LIMIT = 0.05


class Run:
    """A controller that is given one measurement per second."""

    def __init__(self):
        self.now, self.controller, self.levels = 0.0, Controller(LIMIT, 0.0), [0]

    def take(self, share, calls=1e6, times=1):
        for _ in range(times):
            self.now += 1
            self.levels.append(self.controller.take(Sample(self.now - 1, self.now, share * 0.75, share / 4, calls)))
        return self.levels[-1]


def test_below_the_limit_nothing_is_left_out():
    assert Run().take(LIMIT, times=100) == 0


def test_above_the_limit_it_goes_down_level_by_level_and_no_further():
    run = Run()
    run.take(0.5, times=10)
    assert run.levels == [*range(LOWEST + 1), *[LOWEST] * 5]


def test_a_measurement_that_began_before_the_last_change_says_nothing():
    controller = Controller(LIMIT, 10.0)
    assert controller.take(Sample(9.9, 11.0, 1.0, 0.0, 1.0)) == 0
    assert controller.take(Sample(11.0, 12.0, 1.0, 0.0, 1.0)) == 1
    assert controller.take(Sample(11.9, 13.0, 1.0, 0.0, 1.0)) == 1


def test_it_stays_down_as_long_as_the_load_goes_on_however_little_it_costs_there():
    run = Run()
    run.take(0.4, calls=4e6, times=LOWEST)
    assert run.take(0.01, calls=6e6, times=int(BELIEVED) - 5) == LOWEST, "a run cost too much above"


def test_it_comes_back_when_the_load_ends_and_holds_at_first():
    run = Run()
    run.take(0.4, calls=4e6, times=LOWEST)
    down = run.now
    while run.levels[-1]:
        run.take(0.004, calls=1000)
    back = [at for at, (a, b) in enumerate(zip(run.levels, run.levels[1:], strict=False)) if b < a]
    assert back[0] + 1 - down >= HOLD
    assert run.now - down < 20


def test_what_a_level_cost_long_ago_is_not_believed():
    run = Run()
    run.take(0.4, calls=4e6, times=LOWEST)
    assert run.take(LIMIT * 0.4, calls=6e6, times=int(BELIEVED) + CALM) < LOWEST
    run = Run()
    run.take(0.4, calls=4e6, times=LOWEST)
    assert run.take(LIMIT * 0.6, calls=6e6, times=int(BELIEVED) * 3) == LOWEST, "above half the limit"


def test_the_level_above_must_fit_with_room():
    for part, expected in ((1 - ROOM - 0.05, 0), (1 - ROOM + 0.05, 1)):
        run = Run()
        run.take(0.1, calls=1e6)
        assert run.take(0.01, calls=1e6 * LIMIT * part / 0.1, times=20) == expected


def test_a_load_that_comes_in_bursts_does_not_make_it_swing():
    run = Run()
    run.take(0.3, calls=4e6)
    for _ in range(40):
        run.take(0.001, calls=100)
        run.take(LIMIT * 0.9, calls=4e6)
    assert set(run.levels[2:]) == {1}


samples = st.lists(
    st.tuples(
        st.floats(0.01, 3.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.one_of(st.just(0.0), st.floats(1, 1e8))
    ),
    max_size=200,
)


@given(samples)
def test_it_never_swings_faster_than_allowed(measured):
    controller, now, level = Controller(LIMIT, 0.0), 0.0, 0
    changed = last_down = last_up = -1e9
    for seconds, programs, own, calls in measured:
        began, now = now, now + seconds
        new = controller.take(Sample(began, now, programs, own, calls))
        assert abs(new - level) <= 1
        assert 0 <= new <= LOWEST
        assert new == level or began >= changed
        if programs + own > LIMIT and began >= changed:
            assert new == min(level + 1, LOWEST)
        if new < level:
            assert now - last_down >= HOLD
            last_up = now
        if new > level:
            last_down = now
        if new != level:
            changed = now
        level = new
    assert last_up <= now
