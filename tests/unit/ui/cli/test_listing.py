"""Listings: fields, chisels, and what the parser asks the registry."""

import pytest

from sysdig_py.errors import UsageError
from sysdig_py.ui.cli import listing


def test_fields_with_and_without_types() -> None:
    assert "proc.name" in listing.field_list(verbose=False)
    assert len(listing.field_list(verbose=True)) > len(listing.field_list(verbose=False))


def test_chisels() -> None:
    text = listing.chisel_list()
    assert "topprocs_net" in text
    assert "table_generator" not in text


def test_one_chisel() -> None:
    assert "[int] min_ms" in listing.chisel_info("netlower")


def test_unknown_chisel() -> None:
    with pytest.raises(UsageError, match="not found"):
        listing.chisel_info("no_such_chisel")


def test_which_words_belong_to_a_chisel() -> None:
    assert listing.chisel_wants_word("netlower", ["10"])
    assert not listing.chisel_wants_word("topconns", ["fd.port=80"])
    assert not listing.chisel_wants_word("echo_fds", ["proc.name=cat"])
    assert listing.chisel_wants_word("echo_fds", ["disable_colors"])
