"""The progress bar."""

import io

from rich.console import Console

from sysdig_py.ui.cli.progress import shown


def drawn(*, is_terminal: bool) -> str:
    text = io.StringIO()
    with shown("a.spy", Console(file=text, force_terminal=is_terminal, width=80)) as on_progress:
        on_progress(50.0)
    return text.getvalue()


def test_a_terminal_sees_the_file_and_its_end() -> None:
    text = drawn(is_terminal=True)
    assert "a.spy" in text
    assert "100%" in text


def test_nothing_is_drawn_into_a_file() -> None:
    assert drawn(is_terminal=False).strip() == ""
