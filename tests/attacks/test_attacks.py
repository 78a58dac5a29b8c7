"""Hostile answers through the real scorer, in the real sandbox.

After each one the target's tree is as it was, nothing is left behind, and the right answer is
scored to the same bytes as before any of them.
"""

from __future__ import annotations

import pytest
from hostile import attempt

pytestmark = pytest.mark.slow


def test_an_answer_on_the_tiny_target(tiny_case, tiny, tiny_alone, look):
    assert b"passed" in tiny_alone
    done = attempt(tiny_case, tiny, lambda: look([tiny.tree]), tiny_alone)
    assert not done.problems


def test_an_answer_on_cerberus(cerberus_case, cerberus, cerberus_alone, look):
    assert b"passed" in cerberus_alone
    done = attempt(cerberus_case, cerberus, lambda: look([cerberus.tree]), cerberus_alone)
    assert not done.problems
