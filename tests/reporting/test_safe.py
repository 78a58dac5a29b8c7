import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.reporting.safe import one_line, shown

SPELLED = {
    "\x1b[31mred\x1b[0m": "\\x1b[31mred\\x1b[0m",
    "\x9b2J": "\\x9b2J",
    "a\x00b\x7fc\x08": "a\\x00b\\x7fc\\x08",
    "abc\rdef": "abc\\rdef",
    "left\u202eright\u2066": "left\\u202eright\\u2066",
    "a\u200bb\ufeffc": "a\\u200bb\\ufeffc",
    "\U000e0041tag": "\\U000e0041tag",
    "\u2028\x85\x0c": "\\u2028\\x85\\x0c",
    "\ud800": "\\ud800",
    "é 名前 😀 \t\n": "é 名前 😀 \t\n",
    "<b>&amp;": "<b>&amp;",
}


@pytest.mark.parametrize("text", SPELLED)
def test_what_could_act_or_hide_is_spelled_out(text):
    assert shown(text, 100) == SPELLED[text]


@given(st.text(st.characters(), max_size=60), st.integers(1, 40))
def test_nothing_but_printable_text_is_left(text, limit):
    line = one_line(text, limit)
    assert line.isprintable()
    assert len(line) <= limit
    assert all(char.isprintable() or char in "\n\t" for char in shown(text, limit))


def test_a_cut_is_said():
    assert shown("abcdef", 4) == "abcd\n[2 more characters]"
    assert one_line("abcdef", 4) == "abc…"
    assert (shown(None, 4), one_line(None, 4)) == ("", "")
