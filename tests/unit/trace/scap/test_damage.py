import pytest

from sysdig_py.trace.scap.damage import Damage


def damage(*problems: tuple[str, int]) -> Damage:
    found = Damage()
    for problem, where in problems:
        found.left_out(problem, where)
    return found


@pytest.mark.parametrize(
    ("found", "ending", "line"),
    [
        (damage(), "", ""),
        (damage(), "a cut", "a cut, at byte 9: what follows is lost"),
        (damage(("odd", 4)), "", "a block was left out: odd at byte 4"),
        (damage(("odd", 4), ("bad", 8)), "", "2 blocks were left out, the first: odd at byte 4"),
        (
            damage(("odd", 4), ("bad", 8)),
            "a cut",
            "a cut, at byte 9: what follows is lost; before it 2 blocks were left out, the first: odd at byte 4",
        ),
    ],
)
def test_all_that_is_wrong_is_one_line(found: Damage, ending: str, line: str) -> None:
    assert found.told(ending, 9) == line
