"""What the documents show exists: commands, options, targets, chisels, linked files."""

import re
import shlex
from pathlib import Path

import pytest

from sysdig_py.ui.cli import export_command, own_options, sql_command
from sysdig_py.ui.cli.options import OPTIONS
from tests.source_tree import ROOT, relative

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LETTERS = {option.letter: option for option in OPTIONS if option.letter}
LONG = {option.long for option in OPTIONS if option.long}
# options of the subcommands: with a value, and without one
OWN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "export": (export_command.VALUED, ()),
    "sql": ((), sql_command.FLAGS),
}

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def shown_commands(text: str) -> list[list[str]]:
    """Return the words of the commands shown at a prompt in console blocks, one list per command of a pipe."""
    lines = [
        line.strip()[2:] for block in _BLOCK.findall(text) for line in block.split("\n") if line[:2] in ("$ ", "# ")
    ]
    found = []
    for line in lines:
        words = shlex.split(line, comments=True)
        found += _split(words, {"|", "&&", ";", "&"})
    return [_bare(words) for words in found if _bare(words)]


def _split(words: list[str], separators: set[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word in separators:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _bare(words: list[str]) -> list[str]:
    while words and (words[0] == "sudo" or re.fullmatch(r"[A-Z_]+=.*", words[0])):
        words = words[1:]
    return words


def unknown_options(words: list[str]) -> list[str]:
    """Return the words of a `sysdig-py` command that are written like options and are none."""
    unknown, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            unknown += [word] if word[2:].partition("=")[0] not in LONG else []
        elif word.startswith("-") and len(word) > 1:
            unknown += _unknown_letters(word, rest)
    return unknown


def _unknown_letters(word: str, rest: list[str]) -> list[str]:
    for place, letter in enumerate(word[1:], 2):
        if letter not in LETTERS:
            return [word]
        if LETTERS[letter].value:
            if place == len(word) and rest:
                rest.pop(0)
            return []
    return []


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _named(path: Path) -> str:
    return relative(path)


def test_readme_shows_commands() -> None:
    commands = shown_commands((ROOT / "README.md").read_text())
    assert {"make", "sysdig-py"} <= {words[0] for words in commands}


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_shown_commands_exist(document: Path) -> None:
    wrong = []
    for words in shown_commands(document.read_text()):
        if Path(words[0]).name == "sysdig-py":
            own = OWN.get(words[1]) if len(words) > 1 else None
            wrong += unknown_options(own_options.take(words[2:], *own)[1] if own else words[1:])
        elif words[0] == "make":
            wrong += [f"make {word}" for word in words[1:] if "=" not in word and word not in targets()]
    assert not wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_relative_links_resolve(document: Path) -> None:
    text = _FENCED.sub("", document.read_text())
    links = [link for link in _LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    assert not [link for link in links if not _resolves(document, link)]


def _resolves(document: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = document.parent / name if name else document
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in _anchors(target.read_text())


def _anchors(text: str) -> set[str]:
    headings = _HEADING.findall(_FENCED.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_makefile_explains_every_target() -> None:
    explained = set(re.findall(r"^([a-z][a-z-]*):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets() == explained


def test_commands_are_read_as_a_shell_would() -> None:
    text = "```console\n$ sudo make demo\n# sysdig-py -w x.spy -qc topscalls evt.type=open | head\noutput -z\n```\n"
    assert shown_commands(text) == [
        ["make", "demo"],
        ["sysdig-py", "-w", "x.spy", "-qc", "topscalls", "evt.type=open"],
        ["head"],
    ]
    assert unknown_options(["-w", "-x", "-qZ", "--nonsense=1", "--list", "--", "-Y"]) == ["-qZ", "--nonsense=1"]
