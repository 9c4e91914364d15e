from sysdig_py.schema.events import load_data
from sysdig_py.schema.fields import Field, fields, find, listing, nearest, raw_argument_types


def test_whole_names_with_and_without_argument():
    table = fields()
    assert find("proc.name") == (table["proc.name"], None)
    assert find("proc.aname") == (table["proc.aname"], None)
    assert find("proc.aname[2]") == (table["proc.aname"], "2")
    assert find("evt.arg.path") == (table["evt.arg"], "path")
    assert find("evt.arg[0]") == (table["evt.arg"], "0")
    assert find("evt.type.is.open") == (table["evt.type.is"], "open")


def test_what_is_no_field():
    wrong = ("", "proc", "proc.namefoo", "proc.name.foo", "proc.name[1]", "evt.arg.", "evt.arg[]", "evt.arg[1", "x.y")
    assert [text for text in wrong if find(text)] == []


def test_nearest_helps_with_typing():
    assert nearest("proc.nmae") == "proc.name"
    assert nearest("qqqq") == ""


def test_catalogue_rows_are_sound():
    types = load_data("names")["types"]
    for field in fields().values():
        assert field.type in types, field
        assert set(field.flags) <= set("FPAaTX"), field
        assert field.meaning.endswith("."), field


def test_raw_arguments_take_the_first_type_of_the_table():
    types = raw_argument_types()
    assert types["res"] == "errno"
    assert types["data"] == "bytebuf"
    assert "nosuch" not in types


def test_listing_has_every_field_under_its_class():
    verbose = listing(verbose=True)
    for name in fields():
        assert f"\n{name} " in verbose or f"\n{name}\n" in verbose
    assert verbose.index("Field Class:                  fd\n") < verbose.index("\nfd.name ")
    assert "(Type: UINT64, filter only, argument required) Selects events near a moment" in verbose
    assert all(len(line) <= 120 for line in verbose.splitlines())


def test_short_listing_leaves_types_and_table_fields_out():
    short = listing(verbose=False)
    assert "UINT64" not in short
    assert "evt.latency.quantized" not in short
    assert "\nevt.num                       Number of the event" in short


def test_a_field_is_its_row():
    assert fields()["evt.num"] == Field("evt.num", "uint64", "", fields()["evt.num"].meaning)
