import pytest

from sysdig_py.errors import FilterError
from sysdig_py.filter.mentions import event_types


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        ("evt.type=switch", {"switch"}),
        ("evt.type!=switch", set()),
        ("not evt.type=switch", set()),
        ("not evt.type!=switch", {"switch"}),
        ("evt.type in (read, switch) and proc.name=procinfo", {"read", "switch"}),
        ("not (proc.name=a or evt.type=switch)", set()),
        ("fd.num>1 or (evt.type=page_fault and not evt.type=procinfo)", {"page_fault"}),
        ("evt.type.is[switch]=1", {"switch"}),
        ("tolower(evt.type)=switch", set()),
    ],
)
def test_types_are_those_an_accepted_event_may_be_asked_to_have(text, expected):
    assert event_types(text) == expected


def test_a_filter_that_is_none_is_refused():
    with pytest.raises(FilterError):
        event_types("evt.type=")
