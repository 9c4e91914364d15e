from sysdig_py.container.model import ContainerInfo
from sysdig_py.container.records import cgroup_record, container_record
from sysdig_py.schema.state import State
from tests.unit.state_records import parse

INFO = ContainerInfo(
    id="4a1f4a1f4a1f",
    full_id="4a1f" * 16,
    type="docker",
    name="wéb",
    image="host:5000/web:1",
    image_id="ff",
    image_repo="host:5000/web",
    image_tag="1",
    image_digest="sha256:00",
    ip="172.17.0.2",
    privileged=True,
    labels={"a": "1", "b": "x=y"},
    netns=4026532254,
    details={"env": ["A=é"]},
)


def test_container_record() -> None:
    told = parse(container_record(INFO))
    assert told.type == State.CONTAINER
    for name in ("id", "full_id", "type", "name", "image", "image_id", "image_repo", "image_tag", "image_digest", "ip"):
        assert told[name] == getattr(INFO, name)
    assert (told["privileged"], told["labels"], told["netns"]) == (1, b"a=1\0b=x=y\0", INFO.netns)
    assert told.json() == {"env": ["A=é"]}


def test_unknown_facts_are_empty() -> None:
    told = parse(container_record(ContainerInfo("x", "x", "lxc")))
    assert (told["name"], told["ip"], told["labels"], told["netns"], told["json"]) == ("", "", b"", 0, "")


def test_cgroup_record() -> None:
    told = parse(cgroup_record(1 << 40, "/docker/x", "4a1f4a1f4a1f"))
    assert told.type == State.CGROUP
    assert (told["cgroup_id"], told["path"], told["container_id"]) == (1 << 40, "/docker/x", "4a1f4a1f4a1f")


def test_a_path_that_is_no_utf8_goes_through_unchanged() -> None:
    path = b"/caf\xe9".decode("utf-8", "surrogateescape")
    assert parse(cgroup_record(1, path, ""))["path"] == path


def test_huge_facts_make_a_large_record() -> None:
    info = ContainerInfo("x", "x", "docker", details={"env": ["A" * 100_000]})
    assert parse(container_record(info)).json()["env"] == ["A" * 100_000]
