"""The engine replay: recorded answers are taken for the prompt that they were given to only."""

from __future__ import annotations

import pytest

from assay.core.errors import UserError
from assay.core.files import read_json, sha256_file, sha256_text, write_json
from assay.core.records import RESPONSES, TASKS, TELEMETRY
from assay.core.tables import read_table, write_table
from assay.engines._outputs import Outputs
from assay.engines._step import Inputs, run_model

KEPT = ("response", "thinking", "rendered_sha256", "finish_reason", "prompt_tokens",
        "completion_tokens", "cached_tokens", "void")  # fmt: skip
EMPTY = {"string": "", "int64": 0, "bool": False}


@pytest.fixture
def recorded(task):
    """Rows of a made-up recording: one answer to each task; columns over them."""

    def make(tasks, **columns):
        blank = {field.name: EMPTY[str(field.type)] for field in RESPONSES.schema}
        return [
            {
                **blank, "model": "recorded-model", "target": one["target"],
                "task_id": one["task_id"], "category": one["category"],
                "prompt_sha256": one["prompt_sha256"], "void": None, "fingerprint": "f" * 16,
                "rendered_sha256": sha256_text("template" + one["prompt"]),
                "response": f"answer to {one['prompt']}", "thinking": "hm",
                "finish_reason": "stop", "prompt_tokens": 9, "completion_tokens": 5,
                **({"max_tokens": one["max_tokens"]} if "max_tokens" in blank else {}), **columns,
            }
            for one in tasks
        ]  # fmt: skip

    return make


@pytest.fixture
def replay(tmp_path):
    """Run the step on a recording; return the rows by task, and the fingerprint's file."""

    def run(tasks, rows, table=RESPONSES):
        recording = tmp_path / "recording"
        write_table(recording, table, rows)
        digest, size = sha256_file(recording), recording.stat().st_size
        write_json(tmp_path / "receipt.json", {"weights": {"sha256": digest, "size": size}})
        write_table(tmp_path / "tasks.parquet", TASKS, tasks)
        outputs = Outputs(*(tmp_path / name for name in ("r.parquet", "t.parquet", "f.json")))
        inputs = Inputs((tmp_path / "tasks.parquet",), (), tmp_path / "receipt.json", recording)
        run_model("again", {"model": {"engine": "replay"}, "seed": 1}, inputs, outputs)
        found = {row["task_id"]: row for row in read_table(outputs.responses, RESPONSES)}
        return found, read_json(outputs.fingerprint), digest

    return run


def test_an_answer_is_carried_over_whole(replay, recorded, task, tmp_path):
    tasks = [task(number, f"prompt {number}") for number in range(3)]
    rows = recorded(tasks)
    rows[1] |= {"void": "engine error", "finish_reason": "error", "thinking": None}
    found, content, digest = replay(tasks, rows)
    assert [[found[row["task_id"]][name] for name in KEPT] for row in rows] == [
        [row[name] for name in KEPT] for row in rows
    ]
    assert {row["model"] for row in found.values()} == {"again"}
    assert content["fingerprint"] == {
        "engine": "replay", "recording_sha256": digest,
        "replayed": {"model": "recorded-model", "fingerprint": "f" * 16},
    }  # fmt: skip
    assert {row["fingerprint"] for row in found.values()} == {content["id"]}
    for row in read_table(tmp_path / "t.parquet", TELEMETRY):
        assert [row[name] for name in ("latency_us", "ttft_us", "prompt_us", "decode_us")] == (
            [None] * 4
        )


def test_a_task_whose_prompt_is_another_one_is_void_and_so_is_one_without_an_answer(
    replay, recorded, task
):
    tasks = [task(0, "as it was"), task(1, "as it was, too"), task(2, "as ever")]
    rows = recorded(tasks)
    asked = [tasks[0], task(1, "as it is now"), tasks[2], task(3, "as it was")]
    found, _, _ = replay(asked, rows)
    assert found["task000"]["void"] is None
    assert found["task002"]["response"] == "answer to as ever"
    assert found["task001"]["void"].startswith("recorded for another prompt: sha256 ")
    # The prompt of task 0, under another name: still not its answer.
    assert found["task003"]["void"] == "the recording has no answer to this task"
    for name in ("task001", "task003"):
        assert (found[name]["response"], found[name]["finish_reason"]) == ("", "error")


def test_another_target_is_another_task(replay, recorded, task):
    rows = recorded([task(0, "same")])
    found, _, _ = replay([task(0, "same", target="other")], rows)
    assert found["task000"]["void"] == "the recording has no answer to this task"


@pytest.mark.parametrize(
    ("columns", "void"),
    [
        ({"finish_reason": "length", "completion_tokens": 16}, False),
        ({"finish_reason": "length", "completion_tokens": 8, "max_tokens": 8}, True),
        ({"completion_tokens": 17, "thinking": None, "max_tokens": 64}, True),
        ({"finish_reason": "length", "completion_tokens": 0}, False),
    ],
)
def test_an_answer_of_another_budget_is_void(replay, recorded, task, columns, void):
    kept = {name: value for name, value in columns.items() if name in RESPONSES.schema.names}
    found, _, _ = replay([task(0, "a")], recorded([task(0, "a")], **kept))
    assert (found["task000"]["void"] is not None) == void


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[1].update(model="another"), "answers of 2 models"),
        (lambda rows: rows[1].update(fingerprint="0" * 16), "answers of 2 models"),
        (lambda rows: rows[1].update(finish_reason="done"), "finish_reason 'done' in row 1"),
        (lambda rows: rows[0].update(response=None), "a value is missing in row 0"),
        (lambda rows: rows.clear(), "answers of 0 models"),
    ],
)
def test_a_recording_that_mixes_or_lacks_is_refused(replay, recorded, task, change, words):
    tasks = [task(0, "a"), task(1, "b")]
    rows = recorded(tasks)
    change(rows)
    with pytest.raises(UserError, match="no recording of a model's answers") as caught:
        replay(tasks, rows)
    assert words in str(caught.value)


def test_another_table_is_refused(replay, task):
    tasks = [task(0, "a")]
    with pytest.raises(UserError, match="the column model is missing"):
        replay(tasks, tasks, TASKS)
