from sysdig_py.chisel.describe import Argument, Description
from sysdig_py.chisel.listing import chisel_info, chisel_list


def chisel(name: str, category: str = "Net", **facts: object) -> Description:
    given = {
        "description": "d" * 81,
        "short_description": "s",
        "hidden": False,
        "is_view": False,
        "has_args": True,
        "args": (),
    }
    return Description(name=name, category=category, **(given | facts))  # type: ignore[arg-type]


def test_list_is_by_category_and_name() -> None:
    text = chisel_list([chisel("zed"), chisel("abc"), chisel("io", "I/O"), chisel("gone", hidden=True)])
    assert text == (
        "\nCategory: I/O\n-------------\nio              s\n"
        "\nCategory: Net\n-------------\nabc             s\nzed             s\n"
        "\nUse the -i flag to get detailed information about a specific chisel\n"
    )


def test_long_name_and_long_text() -> None:
    text = chisel_list([chisel("a_name_of_16_chr", short_description="x" * 64)])
    assert f"a_name_of_16_chr\n{' ' * 16}{'x' * 63}\n{' ' * 16}x\n" in text


def test_info_without_arguments() -> None:
    text = chisel_info(chisel("abc"))
    assert text == f"\nCategory: Net\n-------------\nabc             s\n\n{'d' * 79}\ndd\nArgs:\n(None)\n"


def test_info_with_arguments() -> None:
    argument = Argument("key", "string", "w" * 60, True)
    text = chisel_info(chisel("abc", args=(argument,)))
    assert text.endswith(f"Args:\n[string] key - {'w' * 48}\n{' ' * 16}{'w' * 12}\n\n")
