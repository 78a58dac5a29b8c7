"""The engine batch against a fake of the Batch API: what goes out, what comes back, what is void.

The result files are fakes (fakes/batch_api.py); no model answered anything here.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from assay.core.errors import HarnessError, UserError
from assay.core.files import read_json, write_json
from assay.core.records import RESPONSES, TASKS, TELEMETRY
from assay.core.tables import read_table, write_table
from assay.engines import batch
from assay.engines._batch_requests import MOST_REQUESTS, lines
from assay.engines._outputs import Outputs
from assay.engines._recorded import write_outgoing
from assay.engines._step import Inputs, run_model

sys.path.insert(0, str(Path(__file__).parent / "fakes"))
import batch_api

PROMPTS = ("add two numbers", 'a\u2028b\n"c" \\ 🎉 \x85', "say NONE", "describe")
SAMPLER = {"temperature": 0, "top_p": 1}


@dataclass
class Baseline:
    """A run of one batch model over made-up tasks: both steps, and what a person does between."""

    root: Path
    tasks: list[dict]

    def settings(self, **parameters):
        chosen = {"model": "asked", "budget": "max_tokens", "sampler": SAMPLER, **parameters}
        return {"model": {"engine": "batch", "parameters": chosen}, "seed": 7}

    @property
    def brought(self) -> Path:
        return self.root / "batch"

    def write(self, **parameters):
        """Write the requests; return them as the API reads them."""
        write_table(self.root / "tasks.parquet", TASKS, self.tasks)
        to = (self.root / "requests.jsonl", self.root / "index.json")
        settings = self.settings(**parameters)
        write_outgoing(settings, "m", [self.root / "tasks.parquet"], to)
        return batch_api.requests(to[0].read_text())

    def bring(self, output, errors=None):
        """Put results there, as lines or as a text."""
        self.brought.mkdir(exist_ok=True)
        for name, content in (("output.jsonl", output), ("errors.jsonl", errors)):
            (self.brought / name).unlink(missing_ok=True)
            if content is not None:
                written = content if isinstance(content, str) else batch_api.text(content)
                (self.brought / name).write_bytes(written.encode("utf-8", "surrogatepass"))

    def run(self, **parameters):
        """Read the answers; return the rows by task."""
        write_json(self.root / "receipt.json", {"weights": None})
        inputs = Inputs(
            (self.root / "tasks.parquet",), (), self.root / "receipt.json", None,
            requests=self.root / "requests.jsonl", results=self.brought,
        )  # fmt: skip
        outputs = Outputs(*(self.root / name for name in ("r.parquet", "t.parquet", "f.json")))
        run_model("m", self.settings(**parameters), inputs, outputs)
        return {row["task_id"]: row for row in read_table(outputs.responses, RESPONSES)}

    def refused(self, *words, **parameters):
        with pytest.raises(UserError) as caught:
            self.run(**parameters)
        assert all(word in str(caught.value) for word in words), str(caught.value)

    def fingerprint(self):
        return read_json(self.root / "f.json")


@pytest.fixture
def baseline(tmp_path, task):
    tasks = [task(number, prompt, max_tokens=16 + number) for number, prompt in enumerate(PROMPTS)]
    return Baseline(tmp_path, tasks)


def test_the_requests_are_as_the_api_reads_them(baseline):
    asked = baseline.write()
    assert [one["body"]["messages"][0]["content"] for one in asked] == list(PROMPTS)
    assert asked[1]["body"] == {
        "model": "asked", "messages": [{"role": "user", "content": PROMPTS[1]}],
        "temperature": 0, "top_p": 1, "max_tokens": 17, "seed": 7,
    }  # fmt: skip
    listed = read_json(baseline.root / "index.json")
    assert list(listed["requests"]) == sorted(one["custom_id"] for one in asked)
    assert listed["requests"][asked[2]["custom_id"]] == {
        name: baseline.tasks[2][name]
        for name in ("max_tokens", "prompt_sha256", "target", "task_id")
    }


def test_budget_thinking_and_seed_are_as_the_model_file_says(baseline):
    (asked, *_) = baseline.write(
        budget="max_completion_tokens", thinking_tokens=1000, seed=False,
        sampler={"reasoning_effort": "low"},
    )  # fmt: skip
    assert asked["body"] == {
        "model": "asked", "messages": [{"role": "user", "content": PROMPTS[0]}],
        "reasoning_effort": "low", "max_completion_tokens": 1016,
    }  # fmt: skip


def test_the_requests_are_the_same_bytes_for_tasks_in_any_order(baseline):
    baseline.write()
    first = [(baseline.root / name).read_bytes() for name in ("requests.jsonl", "index.json")]
    baseline.tasks.reverse()
    baseline.write()
    assert first == [
        (baseline.root / name).read_bytes() for name in ("requests.jsonl", "index.json")
    ]


def test_a_model_file_has_no_place_for_a_key():
    for name in ("api_key", "key", "token", "organization", "headers"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**batch.EXAMPLES[0], name: "sk-x"}, batch.PARAMETERS)


def test_without_results_the_step_says_what_to_take_where(baseline):
    baseline.write()
    baseline.refused(
        "not here yet", str(baseline.root / "requests.jsonl"), str(baseline.brought),
        "output.jsonl", "errors.jsonl", "run again",
    )  # fmt: skip
    assert not (baseline.root / "r.parquet").exists()


def test_answers_come_back_with_tokens_and_with_what_answered(baseline):
    asked = baseline.write()
    done = [batch_api.answered(one, number) for number, one in enumerate(asked)]
    done[3] = batch_api.answered(asked[3], 3, finish_reason="length", message={"content": None})
    baseline.bring(done)
    rows = baseline.run()
    assert [row["response"] for row in rows.values()] == [
        *(prompt.upper() for prompt in PROMPTS[:3]), "",
    ]  # fmt: skip
    assert [row["finish_reason"] for row in rows.values()] == ["stop", "stop", "stop", "length"]
    assert {row["void"] for row in rows.values()} == {None}
    assert [row["prompt_tokens"] for row in rows.values()] == [20, 21, 22, 23]
    assert {row["completion_tokens"] for row in rows.values()} == {7}
    content = baseline.fingerprint()
    assert content["fingerprint"]["returned"] == {
        "model": "asked-2026-01-01", "system_fingerprints": ["fp_0", "fp_1"],
    }  # fmt: skip
    assert (content["fingerprint"]["seed"], content["fingerprint"]["engine"]) == (7, "batch")
    assert content["measured"]["usage"] == {
        "prompt_tokens": 86, "cached_tokens": 0, "completion_tokens": 28, "reasoning_tokens": 12,
    }  # fmt: skip
    for row in read_table(baseline.root / "t.parquet", TELEMETRY):
        assert [row[name] for name in ("latency_us", "ttft_us", "prompt_us", "decode_us")] == (
            [None] * 4
        )


def test_any_order_and_any_spacing_of_the_lines_gives_the_same_bytes(baseline):
    asked = baseline.write()
    done = [batch_api.answered(one, number) for number, one in enumerate(asked[:3])]
    bad = [batch_api.expired(asked[3], 3)]
    baseline.bring(done, bad)
    baseline.run()
    names = ("r.parquet", "f.json")
    first = [(baseline.root / name).read_bytes() for name in names]
    spaced = "".join(json.dumps(line, indent=None, ensure_ascii=False) + "\r\n" for line in
                     reversed(done))  # fmt: skip
    baseline.bring("\ufeff" + spaced.removesuffix("\r\n"), batch_api.text(bad) + "\n\n")
    baseline.run()
    assert [(baseline.root / name).read_bytes() for name in names] == first
    other = [batch_api.answered(one, 0) for one in asked[:3]]
    baseline.bring(other, bad)
    baseline.run()
    assert baseline.fingerprint()["id"] != json.loads(first[1])["id"], "other answers, another id"


@pytest.mark.parametrize(
    ("made", "why", "finish"),
    [
        (lambda one: None, "the batch's results have no line for this task", "error"),
        (
            lambda one: batch_api.expired(one, 0),
            "the batch gave no answer (batch_expired)", "error",
        ),
        (
            lambda one: batch_api.failed(one, 0, 400, "context_length_exceeded"),
            "the batch gave no answer (HTTP status 400, context_length_exceeded)", "error",
        ),
        (
            lambda one: batch_api.failed(one, 0, 429, "no code: <b>"),
            "the batch gave no answer (HTTP status 429, no code)", "error",
        ),
        (
            lambda one: batch_api.answered(one, 0, finish_reason="content_filter"),
            "the provider's content filter left the answer out", "error",
        ),
        (
            lambda one: batch_api.answered(one, 0, message={"content": None, "refusal": "No."}),
            "the model refused to answer", "stop",
        ),
        (
            lambda one: batch_api.answered(one, 0, finish_reason="tool_calls"),
            "the model stopped for no known reason (tool_calls)", "error",
        ),
        (
            lambda one: batch_api.answered(one, 0, usage=None),
            "the result has no token counts", "stop",
        ),
        (
            lambda one: batch_api.answered(
                one, 0, usage={"prompt_tokens_details": {"cached_tokens": 8}}
            ),
            "8 prompt tokens came from a cache", "stop",
        ),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_void_and_says_why(baseline, made, why, finish):
    asked = baseline.write()
    line = made(asked[1])
    others = [batch_api.answered(one, 0) for one in (asked[0], *asked[2:])]
    good = line is not None and line["response"] and line["response"]["status_code"] == 200
    baseline.bring([*others, line] if good else others, [] if good or line is None else [line])
    rows = baseline.run()
    assert (rows["task001"]["void"], rows["task001"]["finish_reason"]) == (why, finish)
    assert [row["void"] for name, row in rows.items() if name != "task001"] == [None] * 3
    for name in ("r.parquet", "f.json"):
        assert b"canary" not in (baseline.root / name).read_bytes()


def test_a_cached_prompt_counts_where_the_model_file_accepts_it(baseline):
    asked = baseline.write(provider_cache="accept")
    usage = {"prompt_tokens_details": {"cached_tokens": 8}}
    baseline.bring([batch_api.answered(one, 0, usage=usage) for one in asked])
    rows = baseline.run(provider_cache="accept")
    assert {(row["void"], row["cached_tokens"]) for row in rows.values()} == {(None, 8)}
    assert baseline.fingerprint()["fingerprint"]["parameters"]["provider_cache"] == "accept"


def test_thinking_that_comes_along_is_kept_apart(baseline):
    asked = baseline.write()
    baseline.bring([
        batch_api.answered(one, 0, message={"content": "x\ud800", "reasoning_content": "hm"})
        for one in asked
    ])  # fmt: skip
    rows = baseline.run()
    assert {(row["response"], row["thinking"]) for row in rows.values()} == {("x?", "hm")}


def test_two_lines_for_one_request_are_refused_and_both_are_named(baseline):
    asked = baseline.write()
    done = [batch_api.answered(one, 0) for one in asked]
    baseline.bring([*done, done[1]])
    baseline.refused("two results", "output.jsonl, line 5", "output.jsonl, line 2")
    baseline.bring(done, [batch_api.expired(asked[2], 2)])
    baseline.refused("two results", "errors.jsonl, line 1", "output.jsonl, line 3")


def test_results_for_other_prompts_tasks_or_settings_are_refused(baseline, task):
    before = [batch_api.answered(one, 0) for one in baseline.write()]
    baseline.bring(before)
    baseline.tasks[2] = task(2, "say something else", max_tokens=18)
    baseline.write()
    baseline.refused("another prompt of this task", "line 3")
    baseline.tasks[2] = task(2, PROMPTS[2], max_tokens=18)
    baseline.write()
    assert len(baseline.run()) == 4
    for parameters in ({"model": "another"}, {"sampler": {"temperature": 1}}, {"seed": False}):
        baseline.write(**parameters)
        baseline.refused("another model, sampler, budget or seed", "line 1", **parameters)
    baseline.tasks[2] = task(9, PROMPTS[2], max_tokens=18)
    baseline.write()
    baseline.refused("no request of this run", "line 3")
    stranger = {**before[0], "custom_id": "request-1"}
    baseline.bring([stranger])
    baseline.refused("no request of this run", "line 1", "request-1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "no object"),
        ('{"custom_id": 1e999}', "ValueError"),
        ('{"custom_id": NaN}', "ValueError"),
        ("[" * 100_000, "RecursionError"),
        ("\ud800", "UnicodeDecodeError"),
        ('{"custom_id": "x", "response": null, "error": null}', "neither a response nor"),
        ('{"custom_id": "x", "response": [], "error": null}', "must be objects"),
        ('{"custom_id": 3, "response": {}, "error": null}', "no request of this run"),
    ],
)
def test_a_line_that_is_none_is_named(baseline, text, words):
    baseline.write()
    baseline.bring("\n" + text)
    baseline.refused(words, "output.jsonl, line 2")


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(choices=[]),
        lambda body: body.update(choices=body["choices"] * 2),
        lambda body: body["choices"][0].update(message="x"),
        lambda body: body["choices"][0]["message"].update(content=["x"]),
        lambda body: body.update(model=None),
        lambda body: body.update(system_fingerprint=3),
        lambda body: body.update(usage=[1]),
        lambda body: body["usage"].update(prompt_tokens=-1),
        lambda body: body["usage"].update(prompt_tokens=True),
        lambda body: body["usage"].update(completion_tokens_details=3),
    ],
)
def test_a_completion_that_is_not_of_the_documented_form_is_named(baseline, change):
    asked = baseline.write()
    line = batch_api.answered(asked[0], 0)
    change(line["response"]["body"])
    baseline.bring([line])
    baseline.refused("no result of a batch", "output.jsonl, line 1")


def test_answers_of_two_models_never_mix(baseline):
    asked = baseline.write()
    done = [batch_api.answered(one, 0) for one in asked]
    done[2]["response"]["body"]["model"] = "another"
    baseline.bring(done)
    baseline.refused("more than one model", "another, asked-2026-01-01")


def test_a_batch_that_the_api_would_not_take_is_refused(request_of):
    many = [request_of("x", number) for number in range(MOST_REQUESTS + 1)]
    with pytest.raises(UserError, match="larger than the Batch API takes"):
        lines(many, {"model": "m", "seed": 1, "parameters": batch.EXAMPLES[0]})


def test_an_engine_that_asks_nobody_outside_writes_nothing(baseline):
    settings = {"model": {"engine": "null"}, "seed": 1}
    with pytest.raises(HarnessError, match="asks nobody outside"):
        write_outgoing(settings, "null", [], (baseline.root / "a", baseline.root / "b"))
