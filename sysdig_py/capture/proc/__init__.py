"""What was there before the first event, read from `/proc` once and told as state records."""

from sysdig_py.capture.proc.snapshot import snapshot

__all__ = ["snapshot"]
