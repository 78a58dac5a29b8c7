"""The host's side of the response cache: when it is used, and what is put into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.core import settings
from assay.core.weights import digest_of
from assay.engines._cache import answers_as_lines
from assay.engines.base import Answer, Request
from assay.workflow.run import Run

ROOT = Path(__file__).parents[2]
MODEL = "smollm2-135m"
KEY = "0123456789abcdef-0123456789abcdef"


@pytest.fixture
def run_with(tmp_path, monkeypatch):
    """A run in a folder of its own, with an answer of a finished model; its execution settings."""
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()

    def make(**execution):
        overrides = {"models": [MODEL, "oracle"], "execution": execution}
        run = Run(ROOT, tmp_path / "work", settings.load(ROOT / "config", overrides))
        lines = run.work / run.telemetry("run_model", MODEL, "answers.jsonl")
        lines.parent.mkdir(parents=True, exist_ok=True)
        request = Request("t", "task", "c", "prompt", "digest", 16)
        lines.write_text(answers_as_lines(KEY, [(request, Answer("x", ""))]))
        return run

    return make


def entries(tmp_path):
    return [path.relative_to(tmp_path).as_posix() for path in (tmp_path / "cache").rglob("*.json")]


def test_it_is_off_unless_the_config_asks_for_it(run_with, tmp_path):
    run = run_with()
    run.known.keep()
    assert entries(tmp_path) == []
    assert "--known" not in run.optional_flags(MODEL, [])


def test_answers_of_finished_models_are_kept_below_their_weights(run_with, tmp_path):
    run = run_with(response_cache=True)
    run.known.keep()
    weights = run.settings.models[MODEL]["weights"]["sha256"]
    (found,) = entries(tmp_path)
    assert found.startswith(f"cache/responses/{weights}/{KEY}/")
    folder = tmp_path / "cache" / "responses" / weights
    assert run.optional_flags(MODEL, []).endswith(f"--known {folder}")
    assert "--known" not in run.optional_flags("oracle", ["keys"]), "a solver has no weights"


def test_published_answers_are_asked_anew_whatever_the_config_says(run_with, tmp_path):
    run = run_with(response_cache=True, against="published")
    run.known.keep()
    assert entries(tmp_path) == []
    assert "--known" not in run.optional_flags(MODEL, [])


def test_it_is_no_part_of_the_recorded_config(run_with):
    assert run_with(response_cache=True).settings.recorded() == run_with().settings.recorded()


def test_answers_of_a_snapshot_are_kept_below_the_digest_over_its_files(run_with, tmp_path):
    run = run_with(response_cache=True)
    files = [{"file": name, "sha256": name * 64, "size": 1} for name in "ba"]
    run.settings.models[MODEL]["weights"] = {"kind": "snapshot", "files": files}
    digest = digest_of({"files": files})
    assert run.optional_flags(MODEL, []) == (
        f"--weights {tmp_path}/cache/weights/{digest} --known {tmp_path}/cache/responses/{digest}"
    )
