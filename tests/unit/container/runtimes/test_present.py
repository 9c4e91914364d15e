from pathlib import Path

from sysdig_py.container.runtimes.present import present


def test_patterns_in_their_order_and_paths_sorted(tmp_path: Path) -> None:
    for name in ("b1", "b2", "a"):
        (tmp_path / name).touch()
    assert list(present([f"{tmp_path}/b?", f"{tmp_path}/a", f"{tmp_path}/none"])) == [
        tmp_path / name for name in ("b1", "b2", "a")
    ]


def test_what_appears_later_is_seen_then(tmp_path: Path) -> None:
    pattern = f"{tmp_path}/*.sock"
    assert list(present([pattern])) == []
    (tmp_path / "x.sock").touch()
    assert list(present([pattern])) == [tmp_path / "x.sock"]
