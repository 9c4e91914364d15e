"""One list of what the probe needs of a kernel: the code's, the document's and doctor's."""

import re

from sysdig_py import locations
from sysdig_py.capture import features
from sysdig_py.capture.kernel_types import Types

CHAPTER = re.compile(r"^## Kernels\n(.*?)^## ", re.MULTILINE | re.DOTALL)


def test_the_document_has_the_same_list():
    text = (locations.PROBE.parent / "docs" / "capture.md").read_text()
    rows = [line for line in CHAPTER.search(text)[1].splitlines() if line.startswith("| ")]
    listed = [f"| {feature.what} | {feature.need.value} | {feature.without} |" for feature in features.FEATURES]
    assert rows[1:] == listed


def test_a_kernel_without_types_lacks_everything():
    assert features.missing(Types("")) == list(features.FEATURES)


def test_requests_of_a_ring_are_seen_only_where_their_tracepoint_names_them():
    ends = "".join(f"typedef void (*btf_trace_{name})(void *, void *);\n" for name in features.RING_TRACEPOINTS)
    old = ends + "typedef void (*btf_trace_io_uring_submit_sqe)(void *, struct io_ring_ctx *, u64);\n"
    new = ends + "typedef void (*btf_trace_io_uring_submit_sqe)(void *, struct io_kiocb *, bool);\n"
    assert features.ring_tracepoints(Types(old)) == ()
    assert features.ring_tracepoints(Types(new)) == ("io_uring_submit_sqe", *features.RING_TRACEPOINTS)
