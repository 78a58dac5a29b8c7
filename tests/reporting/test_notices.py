import json

import pytest

from assay.reporting.notices import notices
from assay.statistics.summary import summary

ASKED = {"categories": ["code_generation", "security_audit"], "per_category": 20,
         "strata": {"trivial": 50, "hard": 50, "adversarial": 0}}  # fmt: skip
REFERENCES = ["oracle", "null", "always_clean"]


def said(run, asked=ASKED):
    return notices(summary("r", run.rows), REFERENCES, asked)


def test_nothing_is_said_where_nothing_has_to_be(usual):
    usual.rows["verdicts"] = [row for row in usual.rows["verdicts"] if row["status"] != "void"]
    assert said(usual) == []


@pytest.mark.parametrize(("share", "words"), [(100, "Saturated: the only"), (0, "Floored: the")])
def test_a_set_that_measures_nothing_is_said_so(run, share, words):
    run.target("cerberus").model("small", share).model("oracle", 100, "oracle")
    assert said(run)[0].startswith(words)


def test_reference_solvers_do_not_make_a_set_look_saturated(run):
    run.target("cerberus").model("oracle", 100, "oracle").model("small", 40)
    assert said(run) == []


def test_an_oracle_that_fails_comes_first(run):
    run.target("cerberus").model("oracle", 95, "oracle").model("small", 0)
    first, second = said(run)
    assert first.startswith("The harness is broken: the right answer of ")
    assert second.startswith("Floored")


def test_an_oracle_whose_answers_are_void_is_broken_too(run):
    run.target("cerberus").model("oracle", 100, "oracle", void=3).model("small", 40)
    assert "the right answer of 3 tasks did not pass" in said(run)[0]


def test_a_null_answer_that_passes_is_said_unless_on_controls(run):
    run.target("cerberus").model("small", 40).model("null", 100, "null")
    assert "an empty answer passed 52 tasks that are not controls" in said(run)[0]
    for row in run.rows["verdicts"]:
        if row["model"] == "null" and not row["is_control"]:
            row["status"] = "failed"
    assert said(run) == []


def test_void_rows_are_counted_and_in_no_rate(run):
    run.target("cerberus").model("small", 40, void=7)
    assert said(run) == ["small: 7 of 60 answers are void (no valid measurement) and in no rate."]
    it = summary("r", run.rows)["models"]["small"]
    assert (it["void"], it["total"]) == (7, 53)


def test_what_a_target_could_not_fill_is_said(run):
    run.target("cerberus", 5).model("small", 40)
    run.rows["tasks"] = [row for row in run.rows["tasks"] if row["stratum"] != "hard"]
    assert said(run) == [
        "cerberus: 4 of 20 code_generation tasks could be proven.",
        "cerberus: 4 of 20 security_audit tasks could be proven.",
        "cerberus: no hard task could be proven.",
    ]


def plant(run, words):
    """Give the audit's prompts code, with other words for either kind, half of them clean."""
    kinds = {}
    for number, row in enumerate(r for r in run.rows["keys"] if r["category"] == "security_audit"):
        row["kind"] = kinds[row["target"], row["task_id"]] = ("vulnerable", "clean")[number % 2]
        row["is_control"] = row["kind"] == "clean"
    for row in run.rows["tasks"]:
        kind = kinds.get((row["target"], row["task_id"]))
        if kind:
            row["prompt"] = f"Audit this:\n```\n1 | run({words[kind]})\n```\n"


def test_audit_tasks_that_give_themselves_away_are_said_so(run):
    run.target("cerberus").model("small", 40)
    plant(run, {"vulnerable": "raw, safe", "clean": "safe, raw"})
    assert said(run) == []
    plant(run, {"vulnerable": "raw", "clean": "safe"})
    (sentence,) = said(run)
    assert sentence.startswith("The audit's tasks give themselves away. cerberus: counts of words")
    assert "in 20 of 20 audit tasks (100.0 %, " in sentence


def test_a_right_exploit_without_effect_is_a_broken_harness(run):
    run.target("cerberus").model("oracle", 100, "oracle").model("small", 40)
    ask(run, 9, exploited=True)
    assert said(run) == []
    ask(run, 9, exploited=False)
    assert said(run) == ["The harness is broken: the right exploit of 1 tasks has no effect."]


def ask(run, number, *, exploited):
    """Let one audit task ask for an exploit, with the same verdict on everybody's."""
    task = f"sa-{number:03}"
    for row in run.rows["keys"]:
        if row["task_id"] == task:
            row["key_json"] = '{"exploit": {}}'
    for row in run.rows["verdicts"]:
        if row["task_id"] == task:
            row["checks_json"] = json.dumps(
                {"accused": True, "detected": True, "exploited": exploited}
            )
