import pytest

from sysdig_py.container.cgroup import identify
from sysdig_py.container.model import bare, short_image_id, split_image

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("redis", ("redis", "", "")),
        ("redis:7", ("redis", "7", "")),
        ("host:5000/team/redis", ("host:5000/team/redis", "", "")),
        ("host:5000/team/redis:7", ("host:5000/team/redis", "7", "")),
        (f"team/redis@{DIGEST}", ("team/redis", "", DIGEST)),
        (f"team/redis:7@{DIGEST}", ("team/redis", "7", DIGEST)),
        (DIGEST, ("", "", "")),
        ("", ("", "", "")),
    ],
)
def test_split_image(image: str, parts: tuple[str, str, str]) -> None:
    assert split_image(image) == parts


def test_short_image_id() -> None:
    assert short_image_id("sha256:abc") == short_image_id("abc") == "abc"


def test_bare_is_what_the_path_tells() -> None:
    match = identify("/lxc.payload.web")
    assert match
    info = bare(match)
    assert (info.id, info.full_id, info.type, info.name, info.image) == ("web", "web", "lxc", "web", "")
