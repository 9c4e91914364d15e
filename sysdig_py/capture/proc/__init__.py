"""What was there before the first event, read from `/proc` once and told as state records."""

from sysdig_py.capture.proc.snapshot import snapshot, threads

__all__ = ["snapshot", "threads"]
