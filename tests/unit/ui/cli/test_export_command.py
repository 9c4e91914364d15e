"""`sysdig-py export` as a user meets it: files, exit codes, one clear line when it cannot be."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sysdig_py.export.fields import COMMON
from tests.source_tree import ROOT

DEMO = str(ROOT / "tests/data/demo.spy")


def export(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sysdig_py", "export", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_parquet_of_all_common_fields(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    done = export("--parquet", str(path), "-r", DEMO, "container.name=web")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "1176 rows, 4390 events read, 0 lost\n"
    assert pq.read_table(path).column_names == list(COMMON)
    assert path.stat().st_mode & 0o777 == 0o600


def test_chosen_fields_and_limits(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    done = export("--parquet", str(path), "-r", DEMO, "--fields", "evt.num, evt.arg.res", "-n", "3")
    assert done.returncode == 0
    assert pq.read_table(path).column_names == ["evt.num", "evt.arg.res"]
    assert pq.read_table(path).num_rows == 3


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ([], 2, "use: sysdig-py export"),
        (["--parquet"], 2, "needs a value"),
        (["--parquet", "OUT", "--pcapng", "OUT", "-r", DEMO], 2, "use: sysdig-py export"),
        (["--pcapng", "OUT", "-r", DEMO, "--fields", "evt.num"], 2, "--fields goes with --parquet"),
        (["--pcapng", "missing/OUT", "-r", DEMO], 3, "missing/OUT"),
        (["--parquet", "OUT", "-r", DEMO, "--fields", "proc.nam"], 2, "did you mean proc.name"),
        (["--parquet", "OUT", "-r", DEMO, "nonsense=1"], 2, "nonsense"),
        (["--parquet", "OUT", "-r", "missing.spy"], 3, "missing.spy"),
        (["--parquet", "missing/OUT", "-r", DEMO], 3, "missing/OUT"),
        (["--parquet", "OUT", "-r", DEMO, "-c", "topprocs_cpu"], 2, "no chisels"),
    ],
)
def test_errors_leave_no_file(
    words: list[str], code: int, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = export(*words)
    assert done.returncode == code
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_packets_into_a_pipe() -> None:
    done = subprocess.run(
        f"{sys.executable} -m sysdig_py export --pcapng - -r {DEMO} -n 400 | tshark -r - -Y http.request",
        shell=True, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 5
    assert "29 packets, 5 conversations, " in done.stderr


def test_packets_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    done = export("--pcapng", str(path), "-r", DEMO, "container.name=client")
    assert done.returncode == 0
    assert done.stderr == "311 packets, 49 conversations, 4390 events read, 0 lost\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_missing_library_is_told_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    done = export("--parquet", str(tmp_path / "out"), "-r", DEMO)
    assert done.returncode == 4
    assert done.stderr == (
        "sysdig-py: columns need pyarrow, which is not installed -> pip install 'sysdig-py[columns]'\n"
    )
    assert not (tmp_path / "out").exists()
