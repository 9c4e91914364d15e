"""The .scap trace format, read only."""
