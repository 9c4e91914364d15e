"""The shape of the project: sizes, mirrored tests, generated files, doors of the foreign libraries."""

import ast
import re
from pathlib import Path

import pytest

from sysdig_py.schema import generate
from tests.source_tree import ROOT, Function, files, functions, relative

FILE_LINES = 400
FUNCTION_LINES = 40
CODE = files("sysdig_py", "probe", "chisels", "tests", "scripts", suffixes=(".py", ".lua", ".c", ".h"))
PACKAGE = files("sysdig_py", suffixes=(".py",))

# Every entry has its reason, and must still be needed: a stale one fails.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[tuple[str, str], str] = {}
WITHOUT_OWN_TEST: dict[str, str] = {
    "sysdig_py/__main__.py": "two lines; the packaging test runs it",
    "sysdig_py/errors.py": "classes without behaviour",
    "sysdig_py/trace/magic.py": "one constant",
    "sysdig_py/locations.py": "constants; the packaging test asks an installed copy for them",
}

# foreign library -> the one module that may import it
DOORS = {"bcc": "sysdig_py/capture/compiler.py", "lupa": "sysdig_py/engine/vm.py"}

# written in parts, so that this file does not hold what it forbids
FOREIGN_PATHS = re.compile(r"(?<![\w.])/(?:" + "|".join(["wor" + "k", "opt/py" + "pi", "opt/whe" + "els"]) + r")\b/?")
REGISTRY_HOSTS = re.compile("|".join(["py" + r"pi\.org", "pythonhos" + r"ted\.org", r"deb\.deb" + r"ian\.org"]))


def _named(path: Path) -> str:
    return relative(path)


def test_code_was_found() -> None:
    assert {path.suffix for path in CODE} >= {".py"}
    assert len(PACKAGE) > 10


@pytest.mark.parametrize("path", CODE, ids=_named)
def test_file_is_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    allowed = relative(path) in LONG_FILES
    assert (lines > FILE_LINES) == allowed, f"{lines} lines; at most {FILE_LINES}, or listed in LONG_FILES while longer"


@pytest.mark.parametrize("path", CODE, ids=_named)
def test_functions_are_short(path: Path) -> None:
    long = [f for f in functions(path) if f.lines > FUNCTION_LINES and (f.path, f.name) not in LONG_FUNCTIONS]
    assert not long, "; ".join(f"{f.name}: {f.lines} lines" for f in long)


def test_long_functions_are_still_long() -> None:
    long: set[tuple[str, str]] = {
        (f.path, f.name) for path in CODE for f in functions(path) if f.lines > FUNCTION_LINES
    }
    assert set(LONG_FUNCTIONS) <= long


def test_long_files_still_exist() -> None:
    assert set(LONG_FILES) <= {relative(path) for path in CODE}


def _mirror(path: Path) -> Path:
    inside = path.relative_to(ROOT / "sysdig_py")
    return ROOT / "tests" / "unit" / inside.parent / f"test_{inside.name}"


@pytest.mark.parametrize("path", [p for p in PACKAGE if p.name != "__init__.py"], ids=_named)
def test_module_has_its_test(path: Path) -> None:
    has_one = _mirror(path).exists()
    excepted = relative(path) in WITHOUT_OWN_TEST
    assert has_one != excepted, f"{relative(_mirror(path))} is missing, or its exception is stale"


def test_modules_without_test_still_exist() -> None:
    assert set(WITHOUT_OWN_TEST) <= {relative(path) for path in PACKAGE}


def test_generated_files_are_up_to_date() -> None:
    assert generate.HEADER_PATH.read_text() == generate.probe_header(), "run make generate"
    assert generate.LUA_PATH.read_text() == generate.engine_table(), "run make generate"
    assert generate.LUA_0293_PATH.read_text() == generate.engine_table_0293(), "run make generate"


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(("library", "door"), DOORS.items())
def test_foreign_library_enters_by_one_door(library: str, door: str) -> None:
    importers = {relative(path) for path in PACKAGE if library in _imported(path)}
    assert importers == {door}


TEXTS = [
    *files(
        "sysdig_py", "probe", "chisels", "tests", "scripts", "docs", suffixes=(".py", ".lua", ".c", ".h", ".sh", ".md")
    ),
    *(path for path in ROOT.iterdir() if path.is_file() and path.name != ".git"),
    ROOT / ".ci" / "run",
]


@pytest.mark.parametrize("path", TEXTS, ids=_named)
def test_text_names_no_machine_and_no_registry(path: Path) -> None:
    text = path.read_text(errors="replace")
    found = [m.group() for pattern in (FOREIGN_PATHS, REGISTRY_HOSTS) for m in pattern.finditer(text)]
    assert not found


LUA = """
local M = {} -- function in a comment
function M.short(a) return a end
local function long(a)
    if a then local s = "function end" end
    for i = 1, 2 do
        repeat a = a + 1 until a > 3
    end
    while a do a = nil end
    return function()
        return [[ end
        end ]]
    end
end
return M
"""
C = "static int\nread_it(void)\n{\n\treturn 0;\n}\n"


def test_functions_are_found_in_all_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.source_tree.ROOT", tmp_path)
    (tmp_path / "x.lua").write_text(LUA)
    (tmp_path / "x.c").write_text(C)
    (tmp_path / "x.py").write_text("def f():\n    def g():\n        pass\n    return g\n")
    assert list(functions(tmp_path / "x.lua")) == [
        Function("x.lua", "M.short", 1),
        Function("x.lua", "line 10", 4),
        Function("x.lua", "long", 7),
    ]
    assert list(functions(tmp_path / "x.c")) == [Function("x.c", "read_it(void)", 3)]
    assert {(f.name, f.lines) for f in functions(tmp_path / "x.py")} == {("f", 2), ("g", 2)}
