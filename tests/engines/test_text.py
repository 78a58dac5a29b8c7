"""Thinking apart from the response."""

from __future__ import annotations

import pytest

from assay.engines._text import clean_text, split_thinking


@pytest.mark.parametrize(
    ("text", "opened_before", "expected"),
    [
        ("plain", False, (None, "plain")),
        ("  kept as it is ", False, (None, "  kept as it is ")),
        ("<think>\nwhy\n</think>\n\nso", False, ("why", "so")),
        ("why</think>so", True, ("why", "so")),
        ("<think>never closed", False, ("never closed", "")),
        ("never closed", True, ("never closed", "")),
        ("a <think>b</think>", False, (None, "a <think>b</think>")),
    ],
)
def test_thinking_is_told_from_the_response(text, opened_before, expected):
    assert split_thinking(text, opened=opened_before) == expected


def test_what_utf_8_cannot_hold_is_replaced():
    assert clean_text("a\ud800\U0001f600") == "a?\U0001f600"
