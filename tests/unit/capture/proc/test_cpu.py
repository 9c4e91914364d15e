import os
import struct
import threading
import time

from sysdig_py.capture.proc import cpu
from sysdig_py.schema.events import events
from sysdig_py.schema.record import PPM_HEADER, PREFIX


def unpacked(raw):
    _, _, _, pid, *_ = PREFIX.unpack_from(raw)
    _, tid, _, code, _ = PPM_HEADER.unpack_from(raw, PREFIX.size)
    return pid, tid, code, struct.unpack_from("<QQ", raw, PREFIX.size + PPM_HEADER.size + 4)


def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def of_this_process(samples):
    return [record for record in map(unpacked, samples.take()) if record[0] == os.getpid()]


def test_samples_tell_hundredths_of_a_second_and_only_what_grew():
    samples = cpu.CpuSamples()
    before = {record[1]: sum(record[3]) for record in of_this_process(samples)}
    burn(0.3)
    after = of_this_process(samples)
    me = threading.get_native_id()
    grown = next(sum(record[3]) for record in after if record[1] == me) - before[me]
    assert 25 <= grown <= 60
    assert {record[2] for record in after} == {next(e.code for e in events() if e.id == "PROCINFO_E")}
    assert len(after) <= len(before)


def test_what_a_thread_used_that_was_born_since_is_growth_too():
    samples = cpu.CpuSamples()
    samples.take()
    done = threading.Event()

    def work():
        burn(0.1)
        done.wait()

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.4)
    found = [record[3] for record in of_this_process(samples) if record[1] == thread.native_id]
    done.set()
    thread.join()
    assert found[0] == (0, 0)
    assert sum(found[1]) >= 8


def test_a_process_can_be_left_out():
    assert of_this_process(cpu.CpuSamples(os.getpid())) == []
