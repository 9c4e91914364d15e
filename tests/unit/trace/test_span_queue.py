import threading
import time

from sysdig_py.trace.span_queue import Span, SpanQueue


def _span(size: int) -> Span:
    return Span(bytes(size), 1, 2, 1)


def test_small_spans_wait_for_each_other() -> None:
    queue = SpanQueue(block_bytes=100, max_bytes=1000, max_wait=60)
    for size in (40, 40, 40, 10):
        queue.put(_span(size))
    assert [len(span.records) for span in queue.take()] == [40, 40, 40]
    queue.close()
    assert [len(span.records) for span in queue.take()] == [10]
    assert queue.take() == []


def test_a_lone_span_waits_no_longer_than_told() -> None:
    queue = SpanQueue(block_bytes=100, max_bytes=1000, max_wait=0.05)
    queue.put(_span(10))
    start = time.monotonic()
    assert len(queue.take()) == 1
    assert 0.02 < time.monotonic() - start < 5


def test_a_full_queue_holds_the_producer_back() -> None:
    queue = SpanQueue(block_bytes=10, max_bytes=100, max_wait=60)
    queue.put(_span(100))
    done = threading.Event()
    producer = threading.Thread(target=lambda: (queue.put(_span(5)), done.set()))
    producer.start()
    assert not done.wait(0.05)
    queue.take()
    assert done.wait(5)
    producer.join()


def test_close_frees_a_waiting_producer_and_takes_no_more() -> None:
    queue = SpanQueue(block_bytes=10, max_bytes=10, max_wait=60)
    queue.put(_span(10))
    producer = threading.Thread(target=queue.put, args=(_span(5),))
    producer.start()
    queue.close()
    producer.join(5)
    assert not producer.is_alive()
    assert [len(span.records) for span in queue.take()] == [10]
    assert queue.take() == []
