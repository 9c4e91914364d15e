import dataclasses

import pytest

from sysdig_py.filter.nodes import And, Check, FieldRef, Literal, Not, Or


def test_trees_compare_by_value_and_do_not_change():
    def tree() -> And:
        check = Check(FieldRef("evt.num", 0), "=", "", (Literal("1", 8),), 0)
        return And((check, Not(Or((check, check)))))

    assert tree() == tree()
    assert hash(tree()) == hash(tree())
    with pytest.raises(dataclasses.FrozenInstanceError):
        tree().items = ()  # type: ignore[misc]
