"""The one path from answer to verdict, with categories and benches that misbehave."""

import json
from types import SimpleNamespace

from assay.categories.base import Judgement, Options
from assay.core.errors import HarnessError
from assay.core.execution import HARNESS_ERROR, RAN
from assay.scoring.verdict import category_key, judge_answer, unit_name

KEY_ROW = {
    "unit_id": "pkg/a.py::Class.f#2", "key_json": json.dumps({"cwe": 89}), "kind": "bug",
    "is_control": False, "accepted_lines": [3, 4],
}  # fmt: skip
ANSWER = "```python\ndef f(x):\n    return x\n```"


def category(*outcomes):
    """A category whose judge does one outcome after another, and counts its calls."""
    waiting, seen = list(outcomes), []

    def judge(extraction, key, bench, options):
        seen.append((extraction.code, key))
        outcome = waiting.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return SimpleNamespace(FORMAT="code", judge=judge, seen=seen)


def judged(plugin, answer=ANSWER):
    return judge_answer(answer, plugin, KEY_ROW, None, Options())[0]


def test_the_category_gets_code_and_the_whole_key():
    plugin = category(Judgement("passed", RAN, "all agree"))
    assert judged(plugin).status == "passed"
    code, key = plugin.seen[0]
    assert code == "def f(x):\n    return x"
    assert key == {"cwe": 89, "kind": "bug", "is_control": False, "accepted_lines": (3, 4)}


def test_an_answer_that_can_not_be_read_is_never_run():
    plugin = category()
    judgement = judged(plugin, "no code")
    assert (judgement.status, judgement.outcome, plugin.seen) == ("unreadable", "not_run", [])
    assert "f" in judgement.reason


def test_a_failing_harness_is_tried_once_more():
    plugin = category(HarnessError("gone"), Judgement("failed", RAN, "differs"))
    assert judged(plugin).status == "failed"
    assert len(plugin.seen) == 2


def test_a_harness_that_fails_twice_makes_the_verdict_void():
    for plugin in (
        category(HarnessError("gone"), HarnessError("gone")),
        category(Judgement("failed", HARNESS_ERROR, "x"), Judgement("passed", HARNESS_ERROR, "x")),
    ):
        judgement = judged(plugin)
        assert (judgement.status, judgement.outcome) == ("void", HARNESS_ERROR)
        assert len(plugin.seen) == 2


def test_names_of_units():
    assert unit_name("pkg/a.py::f") == "f"
    assert unit_name("pkg/a.py::A.B.f#3") == "f"
    assert category_key(KEY_ROW)["accepted_lines"] == (3, 4)
