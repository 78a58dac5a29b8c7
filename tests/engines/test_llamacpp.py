"""What the engine llamacpp has of its own, beside the conformance suite: against a fake wheel."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from assay.core.errors import HarnessError, UserError
from assay.core.files import sha256_text
from assay.engines import llamacpp
from assay.engines._answers import checked
from assay.engines.base import EngineDiedError

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Open the engine on fake weights; parameters over the plug-in's own example."""
    monkeypatch.setenv("PYTHONPATH", str(FAKES))

    def make(weights="fake", **parameters):
        path = tmp_path / "weights"
        path.write_text(weights)
        settings = {
            "model": "m", "seed": 7,
            "parameters": {**llamacpp.EXAMPLES[0], "patience_s": 60, **parameters},
        }  # fmt: skip
        return llamacpp.open_engine(settings, path, (tmp_path / "engine.log").open("ab"))

    return make


def test_the_rendered_prompt_is_the_one_of_the_template(opened, request_of):
    with opened() as engine:
        answer = engine.answer(request_of("hello there"))
    assert answer.rendered_sha256 == sha256_text("user: hello there")


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("cached prompt", "5 prompt tokens came from a cache"),
        ("shifted", "the context was shifted or cut short"),
        ("shortened prompt", "the engine read 2 of 3 prompt tokens"),
    ],
)
def test_what_is_no_measurement_is_void_and_says_why(opened, request_of, prompt, reason):
    with opened() as engine:
        assert checked(engine.answer(request_of(prompt))).void == reason


def test_a_run_ends_where_no_layer_of_a_model_for_a_card_is_on_one(opened):
    with pytest.raises(UserError) as error, opened(gpu_layers=99):
        pass
    assert "no layer of the model is on a card" in str(error.value)
    assert "99 asked for; the engine sees CPU" in str(error.value)
    assert "engine.log" in str(error.value)


def test_a_sampler_other_than_the_stated_one_ends_the_run(opened, request_of):
    with opened() as engine, pytest.raises(HarnessError, match="used top_k = 40, not 0"):
        engine.answer(request_of("resampled"))


def test_an_engine_that_only_pings_is_lost_after_its_patience(opened, request_of):
    with opened(patience_s=15) as engine:
        began = time.monotonic()
        with pytest.raises(EngineDiedError):
            engine.answer(request_of("pinging"))
        assert time.monotonic() - began < 60


def test_the_fingerprint_holds_what_decides_the_text(opened):
    with opened() as engine:
        found = engine.fingerprint
    assert found["version"] == "fake-1"
    assert len(found["binary_sha256"]) == 64
    assert found["system"] == "CPU : FAKE = 1 | "
    assert found["sampler"] == {**llamacpp.GREEDY, "seed": 7}
    assert found["fixed"]["cache_prompt"] is False
    assert (found["context"], found["layers_offloaded"]) == (2048, [0, 0])
    assert found["chat_template_sha256"] == sha256_text("user: {{ content }}")
    arguments = found["arguments"]
    assert (arguments["n_ctx"], arguments["n_parallel"], arguments["n_batch"]) == (2048, 1, 512)
    assert arguments["cpuparams"]["n_threads"] == 2
    assert arguments["flash_attn_type"] == 0
    assert "hostnames" not in arguments
    assert str(Path.home()) not in str(found)
