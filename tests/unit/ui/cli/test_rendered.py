import io

from rich.table import Table

from sysdig_py.ui.cli.rendered import write_rendered


def test_lines_have_no_spaces_at_their_end() -> None:
    table = Table(box=None)
    table.add_column("name")
    table.add_row("a long one")
    table.add_row("short")
    out = io.StringIO()
    write_rendered(out, table, "last")
    lines = out.getvalue().splitlines()
    assert [line.strip() for line in lines] == ["name", "a long one", "short", "last"]
    assert all(line == line.rstrip() for line in lines)


def test_nothing_is_broken_into_lines_where_there_is_room() -> None:
    out = io.StringIO()
    write_rendered(out, "x" * 500, width=1000)
    assert out.getvalue() == "x" * 500 + "\n"
