import pytest

from sysdig_py.errors import ChiselError
from sysdig_py.ui.cli.again import options_again
from sysdig_py.ui.cli.options import ChiselRequest, Options

FIRST = Options(
    read=("a.spy",), chisels=(ChiselRequest("around", "'dump.spy' 100"), ChiselRequest("dump", "out.spy 5"))
)


def again(words: str, first: Options = FIRST) -> Options:
    return options_again(words, first, lambda _name, _rest: False)


def test_the_words_are_a_command_line() -> None:
    assert again("-r 'a b.spy' -n5 evt.type=read").read == ("a b.spy",)


def test_a_file_that_the_user_named_may_be_written() -> None:
    assert again("-r a.spy -w out.spy evt.num>3").write == "out.spy"
    assert again("-w anywhere", Options(allow_io=True)).write == "anywhere"
    assert again("-c x --allow-io", Options(allow_io=True)).allow_io


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("-r a.spy -w /etc/passwd", "named in its arguments"),
        ("-c x --allow-io", "--allow-io"),
        ("-l", "reading of events"),
        ("-pp", "reading of events"),
        ("--nonsense", "unknown option"),
        ("-r 'a", "No closing quotation"),
    ],
)
def test_more_than_the_user_allowed_is_refused(words: str, why: str) -> None:
    with pytest.raises(ChiselError, match=why):
        again(words)
