import pytest

from sysdig_py.capture.options import MAX_SNAPLEN, LiveOptions
from sysdig_py.errors import UsageError


def test_options_that_cannot_be_are_refused():
    with pytest.raises(UsageError, match="snaplen"):
        LiveOptions(snaplen=MAX_SNAPLEN + 1)
    with pytest.raises(UsageError, match="power of two"):
        LiveOptions(ring_bytes=5000)
    assert LiveOptions().data_bytes == 80


@pytest.mark.parametrize("percent", [-1.0, 100.1])
def test_an_overhead_that_makes_no_sense_is_refused(percent):
    with pytest.raises(UsageError, match="up to 100 percent"):
        LiveOptions(max_overhead=percent)
