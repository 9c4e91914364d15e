"""Cases that are known to differ and should not: pattern of the case's name (fnmatch) -> what is wrong.

A case that matches and has become identical fails: take its entry out, or narrow it.
"""

from __future__ import annotations

_RAW_SIZE = "sysdig has no value for evt.rawarg.size in some events that have the argument"
_LATENCY = "of some events sysdig shows a latency, or an empty text, where we show 0ns"
_LOGIN = "sysdig shows other numbers for the terminal and the login user of processes of the list"
_EXEPATH = "after an execve of the later versions sysdig shows another path of the executable"
_LATE = "numbers of the thread that sysdig gives a container's event in the middle"

NOT_YET: dict[str, str] = {
    "* format ?%30fd.name|%5fd.num|%0evt.num|": "a width of 0 is no width",
    "cat_write-* format ?%evt.rawarg.size %evt.rawarg.name": _RAW_SIZE,
    "container-* format ?%evt.rawarg.size %evt.rawarg.name": _RAW_SIZE,
    "curl_google-* format ?%evt.rawarg.size %evt.rawarg.name": _RAW_SIZE,
    "sample-* format ?%evt.rawarg.size %evt.rawarg.name": _RAW_SIZE,
    "* field evt.type.is.open": "sysdig's formats do not know the argument of evt.type.is, and print it",
    "container-* field evt.latency.human": _LATENCY,
    "sample-* field evt.latency.human": _LATENCY,
    "container-* field proc.pcmdline": "a process without arguments has a blank after its name",
    "sample-* field proc.tty": _LOGIN,
    "sample-* field user.loginuid": _LOGIN,
    "sample-* field user.loginname": _LOGIN,
    "pl* made -p ?%evt.num %proc.name %proc.exe *": _EXEPATH,
    "*-ev2* made -p ?%evt.num %proc.vmsize *": _LATE,
    "*-ev2* made -p ?%evt.num %user.name *": _LATE,
}
