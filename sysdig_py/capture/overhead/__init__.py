"""`--max-overhead`: what the capture costs is measured, and less is done per call when that is more than it may.

meter (statistics of the programs, own processor time) -> controller (which level) -> governor (tells kernel and stream)
"""
