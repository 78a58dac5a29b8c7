"""Hostile answers through the real scorer, in the real sandbox.

After each one the target's tree is as it was, no process is left, and the right answer passes.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def check(case, judgement):
    assert judgement.status in case.expected, judgement
    assert "forbids" not in judgement.reason, "it was stopped by taste, not by the sandbox"
    if "outcome" in case.head:
        assert judgement.outcome == case.head["outcome"], judgement
    assert case.head.get("reason", "") in judgement.reason


def test_an_answer_on_the_tiny_target(tiny_case, tiny, host):
    before, around = tiny.fingerprint(), host()
    check(tiny_case, tiny.judge(tiny_case.answer, tiny_case.wall_s)[0])
    assert tiny.fingerprint() == before
    assert host() == around
    if not tiny_case.name.startswith("must_pass"):
        assert tiny.is_unaffected(), "the next task is affected"


def test_an_answer_on_cerberus(cerberus_case, cerberus):
    before = cerberus.fingerprint()
    check(cerberus_case, cerberus.judge(cerberus_case.answer)[0])
    assert cerberus.fingerprint() == before
