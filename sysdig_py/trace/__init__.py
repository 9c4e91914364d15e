"""Saved traces: the native format's writer and reader. Knows bytes and files, not what a record means."""
