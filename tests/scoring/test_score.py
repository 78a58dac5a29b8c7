"""All answers of a model: none is dropped, void ones are not run, workers change nothing."""

import json

import pytest

from assay.categories.base import Options
from assay.core.errors import HarnessError
from assay.core.records import KEYS, VERDICTS
from assay.core.tables import read_table, write_table
from assay.scoring.score import paired, score
from assay.scoring.telemetry import measured


def test_every_task_gets_one_verdict_and_void_answers_are_not_run(tmp_path, audit_rows):
    answers = ["CWE-89 LINE 3", "NONE", "who knows", "CWE-89 LINE 9", ""]
    tasks, keys, responses = audit_rows(answers)
    responses[4]["void"] = "the prompt was cut"
    responses[3]["finish_reason"] = "length"
    scored = score(paired(tasks, keys, responses, "t", "m"), [None], Options())
    assert [one.row["status"] for one in scored] == [
        "passed", "failed", "unreadable", "failed", "void",
    ]  # fmt: skip
    assert scored[4].row["reason"] == "the prompt was cut"
    assert scored[3].row["finish_reason"] == "length"
    write_table(tmp_path / "v.parquet", VERDICTS, [one.row for one in scored])
    assert len(read_table(tmp_path / "v.parquet", VERDICTS)) == 5
    assert measured(scored, {"layers": []})["outcomes"] == {"not_run": 5}


def test_the_number_of_workers_changes_nothing(audit_rows):
    items = paired(*audit_rows(["CWE-89 LINE 3", "NONE", "x", "CWE-78 LINE 3"] * 5), "t", "m")
    one, three = (score(items, [None] * count, Options()) for count in (1, 3))
    assert one == three
    assert len(one) == 20


def test_rows_of_other_targets_and_models_are_left_alone(audit_rows):
    tasks, keys, responses = audit_rows(["NONE"])
    other = [{**responses[0], "model": "other"}, {**responses[0], "target": "other"}]
    assert len(paired(tasks, keys, [*other, *responses], "t", "m")) == 1


def test_a_missing_answer_or_key_or_another_prompt_is_never_passed_over(audit_rows):
    tasks, keys, responses = audit_rows(["NONE", "NONE"])
    with pytest.raises(HarnessError, match="no response"):
        paired(tasks, keys, responses[:1], "t", "m")
    with pytest.raises(HarnessError, match="no key"):
        paired(tasks, keys[1:], responses, "t", "m")
    responses[0]["prompt_sha256"] = "else"
    with pytest.raises(HarnessError, match="another prompt"):
        paired(tasks, keys, responses, "t", "m")


HOSTILE = [
    "\0", "\x1b[2J", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "\u202e", "\U0010ffff" * 99,
    "x" * 500_000, "```" * 9000, '{"findings": ' + "[" * 9000, "CWE-89 LINE " + "9" * 5000,
    "CWE-" + "9" * 5000 + " LINE 1", '[{"cwe": 1e999, "line": 1e999}]', '[{"cwe": [], "line": {}}]',
    '{"findings": NaN}', '{"findings": [{"cwe": "CWE-89", "line": [[[3]]]}]}',
]  # fmt: skip


def test_hostile_text_never_breaks_scoring_and_never_passes(tmp_path, audit_rows):
    tasks, keys, responses = audit_rows(HOSTILE)
    scored = score(paired(tasks, keys, responses, "t", "m"), [None], Options())
    assert {one.row["status"] for one in scored} <= {"failed", "unreadable"}
    write_table(tmp_path / "v.parquet", VERDICTS, [one.row for one in scored])
    for row in read_table(tmp_path / "v.parquet", VERDICTS):
        assert row["reason"].isprintable()
        assert json.loads(row["description_json"])["length"] >= 1


def test_the_rows_of_these_tests_are_rows_of_the_real_tables(tmp_path, audit_rows):
    _, keys, _ = audit_rows(["NONE"])
    write_table(tmp_path / "k.parquet", KEYS, keys)
    assert read_table(tmp_path / "k.parquet", KEYS)[0]["kind"] == "vulnerable"
