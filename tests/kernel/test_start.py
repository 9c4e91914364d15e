"""The second start needs no compiler, and what differs from run to run is not compiled in."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import walker
from conftest import open_probe

from sysdig_py.capture.live import LiveOptions

pytestmark = pytest.mark.kernel

START = """
import os, sys
sys.path.insert(0, sys.argv[1])
if sys.argv[2] == "without compiler":
    sys.modules["bcc"] = None
    os.environ["PATH"] = ""
from sysdig_py.capture.cgroups import detect
from sysdig_py.capture.live import LiveOptions, Probe
probe = Probe(LiveOptions(ring_bytes=1 << 20), detect())
probe.attach()
probe.close()
print(sys.modules.get("bcc") is not None)
"""
ROOT = str(Path(__file__).parents[2])


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory, probe):
    """The cache after a first start; the session's probe is asked for so that a machine without one skips."""
    cache = tmp_path_factory.mktemp("cache")
    assert compiled(begin(cache))
    return cache


@pytest.fixture
def cache(tmp_path, compiled_once):
    shutil.copytree(compiled_once / "sysdig-py", tmp_path / "sysdig-py")
    return tmp_path


def begin(cache, how="as usual"):
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-c", START, ROOT, how]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def compiled(started):
    out, err = started.communicate(timeout=60)
    assert started.returncode == 0, err
    return out == "True\n"


def images(cache):
    return list(cache.glob("sysdig-py/probe-*.image"))


def test_the_second_start_needs_no_compiler(cache):
    assert len(images(cache)) == 1
    assert not compiled(begin(cache, "without compiler"))


def test_a_damaged_image_is_made_anew(cache):
    (image,) = images(cache)
    raw = bytearray(image.read_bytes())
    whole = bytes(raw)
    raw[len(raw) // 2] ^= 0xFF
    image.write_bytes(raw)
    assert compiled(begin(cache))
    assert image.read_bytes() == whole
    assert not compiled(begin(cache))


def test_an_image_of_somebody_else_is_made_anew(cache):
    (image,) = images(cache)
    os.chown(image, 12345, 12345)
    assert compiled(begin(cache))
    assert image.stat().st_uid == os.geteuid()


def test_an_image_the_kernel_refuses_is_made_anew(cache):
    (image,) = images(cache)
    script = """
import os, sys
sys.path.insert(0, sys.argv[1])
from dataclasses import replace
from sysdig_py.capture import image_cache
key = sys.argv[2]
image = image_cache.find(key)
programs = image.programs | {"on_sys_enter": bytes(8)}
image_cache.keep(key, replace(image, programs=programs))
"""
    key = image.stem.removeprefix("probe-")
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    subprocess.run([sys.executable, "-c", script, ROOT, key], env=environment, check=True)
    assert compiled(begin(cache))
    assert not compiled(begin(cache))


def test_two_first_starts_at_once(cache):
    images(cache)[0].unlink()
    both = [begin(cache), begin(cache)]
    assert [compiled(one) for one in both] == [True, True]
    assert len(images(cache)) == 1
    assert not compiled(begin(cache, "without compiler"))


def test_a_capture_leaves_out_itself_and_no_one_else(tracer):
    run = tracer.run("import os; os.open('/dev/null', 0)")
    assert not Path("/a-name-only-this-test-has").exists()
    seen = walker.read_all(tracer.probe.ring)
    assert run.own
    assert os.getpid() not in {record.pid for record in [*run.all, *seen]}


def test_times_are_those_of_the_wall_clock(tracer):
    before = time.time_ns()
    run = tracer.run("import os; os.open('/dev/null', 0)")
    after = time.time_ns()
    slack = 1_000_000  # the offset is measured once, and clocks are slewed
    assert before - slack < run.own[0].ts <= run.own[-1].ts < after + slack


@pytest.mark.parametrize("snaplen", [0, 70, 127])
def test_each_run_has_its_own_snaplen(snaplen):
    probe = open_probe(LiveOptions(snaplen=snaplen, ring_bytes=8 << 20))
    try:
        probe.attach()
        script = "import os; fd = os.open('/dev/zero', 0); os.read(fd, 4321); os.readv(fd, [bytearray(4322)])"
        subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)
        found = {r["res"]: len(r["data"]) for r in walker.read_all(probe.ring) if r.name in ("read", "readv")}
        assert (found[4321], found[4322]) == (snaplen, snaplen)
    finally:
        probe.close()
