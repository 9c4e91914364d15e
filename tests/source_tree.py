"""The project's own source files and the functions in them, for the tests that judge their shape."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
GENERATED = {"probe/schema.h", "sysdig_py/engine/lua/schema_data.lua"}


class Function(NamedTuple):
    """A function of any of the three languages: the file, its name or first line, and its length in lines.

    The lines of functions defined inside it are not its own: each is counted for itself.
    """

    path: str
    name: str
    lines: int


def files(*folders: str, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the hand-written files below `folders` with one of `suffixes`, in a stable order."""
    found = (p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in suffixes and p.is_file())
    return sorted(p for p in found if relative(p) not in GENERATED and "__pycache__" not in p.parts)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[Function]:
    """Yield every function of a Python, Lua or C file."""
    finder = {".py": _python, ".lua": _lua, ".c": _c, ".h": _c}[path.suffix]
    for name, lines in finder(path.read_text()):
        yield Function(relative(path), name, lines)


def _python(text: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, _DEFINITIONS):
            yield node.name, _length(node) - sum(_length(inner) for inner in _nested(node))


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _nested(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _DEFINITIONS):
            yield child
        else:
            yield from _nested(child)


_LUA_TEXT = re.compile(
    r"--\[(=*)\[.*?\]\1\]|--[^\n]*|\[(=*)\[.*?\]\2\]|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)
_LUA_BLOCK = re.compile(r"\b(function|if|do|repeat|end|until)\b[ \t]*([\w.:]*)")


def _lua(text: str) -> Iterator[tuple[str, int]]:
    # comments and strings become blanks of the same number of lines, so that only code is left to read
    code = _LUA_TEXT.sub(lambda match: "\n" * match.group().count("\n"), text)
    open_blocks: list[tuple[str, str, int]] = []
    nested: dict[int, int] = {}  # open functions -> lines of the functions inside
    for match in _LUA_BLOCK.finditer(code):
        word, name = match.groups()
        line = code.count("\n", 0, match.start()) + 1
        if word in ("end", "until"):
            kind, opened_name, first = open_blocks.pop()
            if kind == "function":
                length, depth = line - first + 1, sum(block[0] == "function" for block in open_blocks)
                yield opened_name or f"line {first}", length - nested.pop(depth + 1, 0)
                nested[depth] = nested.get(depth, 0) + length
        else:
            open_blocks.append((word, name, line))


def _c(text: str) -> Iterator[tuple[str, int]]:
    lines = text.split("\n")
    first = 0
    for number, line in enumerate(lines):
        if line == "{":
            first = number
        elif line == "}" and first:
            yield lines[first - 1].strip(), number - first + 1
            first = 0
