"""The order of scenarios by what they execute."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from assay.core.coverage import lines_of, spread, text_of

LINES = st.frozensets(st.integers(0, 40), max_size=12)


@given(LINES)
def test_a_text_says_just_these_lines(lines):
    assert lines_of(text_of(lines)) == lines
    assert text_of(sorted(lines, reverse=True)) == text_of(lines)


def test_lines_in_a_row_are_one_range():
    assert text_of([1, 2, 3, 5, 7, 8]) == "1-3,5,7-8"
    assert text_of([]) == ""


def test_what_executes_the_most_comes_first_and_each_way_once_before_any_twice():
    ways = {"a": "1-2", "b": "1-2", "c": "1-2,5", "d": "1-2", "e": "9", "f": "1-2,5"}
    # c has the most lines, e those that are left; a takes no new line, but another way.
    assert spread(list("abcdef"), ways.__getitem__) == ["c", "e", "a", "f", "b", "d"]


@given(st.lists(LINES, max_size=12))
def test_nothing_is_lost_and_what_goes_first_covers_all_that_can_be(drawn):
    texts = [text_of(lines) for lines in drawn]
    items = list(range(len(texts)))
    ordered = spread(items, texts.__getitem__)
    assert sorted(ordered) == items
    distinct = len(set(texts))
    first = [texts[item] for item in ordered[:distinct]]
    assert len(set(first)) == distinct
    for text, count in Counter(texts).items():
        places = [item for item in ordered if texts[item] == text]
        assert places == sorted(places)
        assert len(places) == count
