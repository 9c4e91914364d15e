import grp
import pwd

from sysdig_py.capture.proc import users
from sysdig_py.schema.state import State
from tests.unit.state_records import parse


def test_every_user() -> None:
    told = [parse(record) for record in users.users()]
    assert {t.type for t in told} == {State.USER}
    listed = [(u.pw_uid, u.pw_gid, u.pw_name, u.pw_dir, u.pw_shell) for u in pwd.getpwall()]
    assert [(t["uid"], t["gid"], t["name"], t["home"], t["shell"]) for t in told] == listed


def test_every_group() -> None:
    told = [parse(record) for record in users.groups()]
    assert {t.type for t in told} == {State.GROUP}
    assert [(t["gid"], t["name"]) for t in told] == [(g.gr_gid, g.gr_name) for g in grp.getgrall()]
