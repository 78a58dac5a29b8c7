"""What the Snakefile is told of models that are asked outside, and of answers that are taken."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from assay.core.settings import load
from assay.workflow.run import Run

ROOT = Path(__file__).parents[2]
MODEL = "batch-example"


@pytest.fixture
def run_of(tmp_path):
    def make(**overrides):
        wanted = {"run": "r", "models": [MODEL, "oracle@0.6", "null"], **overrides}
        return Run(ROOT, tmp_path, load(ROOT / "config", wanted))

    return make


def test_only_such_a_model_has_requests_and_its_results_once_they_are_there(run_of, tmp_path):
    run = run_of()
    assert run.outside.models == [MODEL]
    assert (run.outside.files("null"), run.optional_flags("null", [])) == ([], "")
    requests = run.result("write_batch", MODEL, "requests.jsonl")
    assert run.outside.files(MODEL) == [requests]
    folder = tmp_path / "batch" / "r" / MODEL
    folder.mkdir(parents=True)
    (folder / "output.jsonl").write_text("")
    assert run.outside.files(MODEL) == [requests, f"batch/r/{MODEL}/output.jsonl"]
    flags = run.optional_flags(MODEL, [])
    assert flags == f"--requests {requests} --results batch/r/{MODEL}"


def test_a_model_whose_answers_are_taken_is_neither_fetched_nor_asked(run_of):
    every = run_of().outside.made_here
    assert all(re.fullmatch(every, name) for name in (MODEL, "oracle@0.6", "null"))
    some = run_of(execution={"taken": [MODEL, "null"]}).outside.made_here
    assert [bool(re.fullmatch(some, name)) for name in (MODEL, "oracle@0.6", "oracle@0x6")] == [
        False, True, False,
    ]  # fmt: skip
    none = run_of(models=["null"], execution={"taken": ["null"]}).outside.made_here
    assert not re.fullmatch(none, "null")
    assert not re.fullmatch(none, "")


def test_a_recorded_model_takes_no_gpu(run_of):
    run = run_of(models=[MODEL, "oracle", "smollm2-135m"])
    assert [run.gpus(name) for name in run.settings.models] == [0, 0, 1]


def test_a_price_is_told_to_the_report_and_to_no_step_that_asks(run_of):
    run = run_of()
    before = run.settings_of("seed", model=MODEL)
    assert "prices" not in json.loads(run.report_settings())
    prices = {"currency": "USD", "input": 1, "output": 2}
    run.settings.models[MODEL]["prices"] = prices
    assert run.settings_of("seed", model=MODEL) == before
    assert json.loads(run.report_settings())["prices"] == {MODEL: prices}
