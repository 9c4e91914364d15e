"""Percentiles of the module that chisels share, against exact ones."""

import math
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.chisel.running import play_script

SCRIPT = """
local percentiles = require "percentiles"
function on_capture_end()
    local counts, more, largest = {}, {}, 0
    for i, value in ipairs({ VALUES }) do
        percentiles.add(i % 2 == 0 and counts or more, value)
        largest = math.max(largest, value)
    end
    percentiles.merge(counts, more)
    print(percentiles.value(counts, SHARE, largest))
end
"""


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=50), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
@settings(max_examples=50, deadline=None)
def test_percentiles_are_right_within_five_percent(values: list[int], share: float) -> None:
    script = SCRIPT.replace("VALUES", ", ".join(map(str, values))).replace("SHARE", str(share))
    with tempfile.TemporaryDirectory() as folder:
        played = play_script(Path(folder), script, b"")
    exact = sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
    assert abs(float(played.output) - exact) <= 0.05 * exact + 1


def test_nothing_has_no_percentile(tmp_path: Path) -> None:
    script = 'function on_capture_end() print(require("percentiles").value({}, 0.5, 1)) end'
    assert play_script(tmp_path, script, b"").output == "nil\n"
