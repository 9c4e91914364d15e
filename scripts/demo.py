"""`make demo`: watch two containers talk for some seconds, live and again from the saved trace.

`python -m scripts.demo FILE` keeps the trace in FILE; that is how the shipped one was made.
The two outputs must be the same, byte by byte. Where live capture is not possible, what is missing
is said and a trace that comes with the project is replayed instead.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.demo_workload import talkers

PROGRAM = [sys.executable, "-m", "sysdig_py"]
SHIPPED = Path("tests/data/demo.spy")
SECONDS = "5"
WAIT_SECONDS = 60
VIEW = ["-pc", "-c", "flows"]


def main(arguments: list[str]) -> int:
    """Run the demo in the folder of the project."""
    findings = subprocess.run([*PROGRAM, "doctor"], capture_output=True, text=True, check=False)
    if findings.returncode != 0:
        return without_capture(findings.stdout + findings.stderr)
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        return with_capture(Path(arguments[0]) if arguments else Path(folder) / "demo.spy")


def with_capture(trace: Path) -> int:
    """Capture, replay, compare."""
    with talkers() as talk:
        print(f"--- {talk.what}")
        live = show([f"-M{SECONDS}", "-w", str(trace), *VIEW], talk.environment)
    print(f"--- {trace.stat().st_size / 1e6:.1f} MB saved; the same from the trace:")
    replayed = show(["-r", str(trace), *VIEW])
    if live != replayed:
        print("--- live output and replay differ", file=sys.stderr)
        return 1
    if not live.strip():
        print("--- nothing was seen", file=sys.stderr)
        return 1
    print("--- live output and replay are the same, byte by byte")
    return 0


def without_capture(findings: str) -> int:
    """Say what is missing, then replay the trace that comes with the project."""
    print("--- live capture is not possible here:")
    print("".join(f"{line}\n" for line in findings.splitlines() if not line.startswith("ok")), end="")
    if not SHIPPED.exists():
        print(f"--- and there is no {SHIPPED} to replay", file=sys.stderr)
        return 1
    print(f"--- a trace saved earlier instead ({SHIPPED}):")
    show(["-r", str(SHIPPED), *VIEW])
    return 0


def show(arguments: list[str], environment: dict[str, str] | None = None) -> bytes:
    """Run the program, pass its output on, and return it."""
    print("$ sysdig-py", *arguments, flush=True)
    environment = dict(os.environ) | (environment or {})
    command = [*PROGRAM, *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False, timeout=WAIT_SECONDS)
    sys.stdout.buffer.write(done.stdout)
    sys.stdout.flush()
    if done.returncode != 0:
        raise SystemExit(f"--- sysdig-py ended with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
