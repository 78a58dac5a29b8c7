from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.core import splice


@given(st.text(st.sampled_from("ab\n\r\x0c\x1c\u2028 ")))
def test_lines_are_pythons_and_lose_nothing(text):
    lines = splice.lines_of(text)
    assert "".join(lines) == text
    assert all("\n" not in line[:-2] for line in lines)


def test_a_form_feed_is_no_line_break():
    assert splice.lines_of("a\x0cb\nc") == ["a\x0cb\n", "c"]


def test_lines_are_replaced_and_the_rest_is_kept():
    assert splice.replace_lines("a\nb\nc\n", 2, 2, "x\ny") == "a\nx\ny\nc\n"
    assert splice.replace_bytes("aüb", 1, 3, "u") == "aub"
    assert splice.indented("a\n\nb", "  ") == "  a\n\n  b"


def test_changes_of_two_texts_are_merged_unless_they_touch():
    old = "a\nb\nc\nd\n"
    assert splice.merged(old, "a\nB\nc\nd\n", "a\nb\nc\nD\ne\n") == "a\nB\nc\nD\ne\n"
    assert splice.merged(old, "a\nB\nc\nd\n", "a\nb\nC\nd\n") == "a\nB\nC\nd\n"
    assert splice.merged(old, "a\nx\nb\nc\nd\n", "A\nb\nc\nd\n") is None
    assert splice.merged(old, "a\nB\nc\nd\n", "a\nX\nc\nd\n") is None
