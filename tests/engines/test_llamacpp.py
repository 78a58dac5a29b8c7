"""The engine llamacpp over HTTP, against a fake of its wheel that misbehaves on command."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import jsonschema
import pytest

from assay.core import registry
from assay.core.errors import HarnessError, UserError
from assay.core.files import sha256_text
from assay.engines import llamacpp
from assay.engines._answers import ENGINE_ERROR, Stream, answer_all, checked
from assay.engines._journal import open_journal
from assay.engines._outputs import fingerprint_id
from assay.engines.base import EngineDiedError, Margin

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
            "parameters": {**llamacpp.EXAMPLES[0], "patience_s": 20, **parameters},
        }  # fmt: skip
        return llamacpp.open_engine(settings, path, (tmp_path / "engine.log").open("ab"))

    return make


@pytest.mark.parametrize("name", registry.names("engines"))
def test_the_examples_of_every_engine_fit_its_closed_schema(name):
    plugin = registry.load("engines", name)
    assert plugin.EXAMPLES
    for example in plugin.EXAMPLES:
        jsonschema.validate(example, plugin.PARAMETERS)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**example, "unheard_of": 1}, plugin.PARAMETERS)
    assert hasattr(plugin, "solve") == plugin.REFERENCE
    assert hasattr(plugin, "open_engine") != plugin.REFERENCE


def test_an_answer_carries_text_counts_times_and_the_rendered_prompt(opened, request_of):
    with opened() as engine:
        answer = engine.answer(request_of("hello there"))
    assert answer.response == "w0 w1 w2 "
    assert (answer.finish_reason, answer.void) == ("stop", None)
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (3, 3, 0)
    assert answer.rendered_sha256 == sha256_text("user: hello there")
    assert (answer.prompt_us, answer.decode_us) == (1500, 2500)
    assert 0 < answer.ttft_us <= answer.latency_us


def test_how_sure_a_token_was_is_told_by_the_place_that_it_wrote(opened, request_of):
    request = request_of("hello there")
    with opened() as engine:
        found = [engine.margin(request, "response", place) for place in (0, 2, 3, 8, 9)]
        assert engine.margin(request, "thinking", 0) == found[0], "there is none: from the start"
    assert found == [
        Margin("w0 ", "v0 ", 0.25), Margin("w0 ", "v0 ", 0.25), Margin("w1 ", "v1 ", 1.25),
        Margin("w2 ", "v2 ", 2.25), None,
    ]  # fmt: skip


def test_an_endless_answer_ends_at_its_budget_and_is_no_void(opened, request_of):
    with opened() as engine:
        answer = engine.answer(request_of("endless", max_tokens=5))
    assert (answer.finish_reason, answer.void) == ("length", None)
    assert (answer.completion_tokens, answer.response) == (5, "w0 w1 w2 w3 w4 ")


def test_an_empty_answer_is_an_answer(opened, request_of):
    with opened() as engine:
        answer = engine.answer(request_of("empty"))
    assert (answer.response, answer.finish_reason, answer.void) == ("", "stop", None)
    assert (answer.completion_tokens, answer.ttft_us) == (0, None)


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("cached prompt", "5 prompt tokens came from a cache"),
        ("shifted", "the context was shifted or cut short"),
        ("shortened prompt", "the engine read 2 of 3 prompt tokens"),
        ("strange", "the engine stopped for no known reason (none)"),
    ],
)
def test_what_is_no_measurement_is_void_and_says_why(opened, request_of, prompt, reason):
    with opened() as engine:
        assert checked(engine.answer(request_of(prompt))).void == reason


@pytest.mark.parametrize(("words", "fits"), [(47, True), (48, False)])
def test_a_prompt_that_does_not_fit_is_void_and_never_cut(opened, request_of, words, fits):
    with opened(context=64) as engine:
        prompt = " ".join(["word"] * words)
        answer = engine.answer(request_of(prompt, max_tokens=16))
    assert (answer.void is None) == fits
    if not fits:
        assert "49 tokens" in answer.void
        assert "context of 64" in answer.void
        assert (answer.response, answer.finish_reason) == ("", "error")


def test_layers_left_on_the_processor_void_every_row_and_stand_in_the_fingerprint(
    opened, request_of
):
    with opened("spilled", gpu_layers=99) as engine:
        assert engine.answer(request_of("hello")).void == "only 3 of 9 layers are on the GPU"
        assert engine.fingerprint["layers_offloaded"] == [3, 9]
    with opened("spilled", gpu_layers=3) as engine:
        assert engine.answer(request_of("hello")).void is None


def test_a_sampler_other_than_the_stated_one_ends_the_run(opened, request_of):
    with opened() as engine, pytest.raises(HarnessError, match="used top_k = 40, not 0"):
        engine.answer(request_of("resampled"))


@pytest.mark.parametrize("prompt", ["dead", "broken", "refused"])
def test_an_engine_that_breaks_off_is_lost(opened, request_of, prompt):
    with opened() as engine:
        with pytest.raises(EngineDiedError):
            engine.answer(request_of(prompt))
        engine.restart()
        assert engine.answer(request_of("hello")).void is None


def test_an_engine_killed_between_two_requests_is_started_anew(opened, request_of, tmp_path):
    with opened() as engine, open_journal(tmp_path / "j") as journal:
        os.kill(engine.server.pid, signal.SIGKILL)
        stream = Stream(engine)
        (answer,) = answer_all(stream, [request_of("hello")], journal, "m")
    assert (answer.response, answer.void) == ("w0 w1 w2 ", None)
    assert len(stream.events) == 2


def test_an_engine_that_dies_in_the_middle_loses_nothing(opened, request_of, tmp_path):
    mark = tmp_path / "died already"
    requests = [request_of(text, n) for n, text in enumerate(("hello", "mortal", "dead", "again"))]
    with opened(chat_template=str(mark)) as engine, open_journal(tmp_path / "j") as journal:
        answers = answer_all(Stream(engine), requests, journal, "m")
    assert [answer.void for answer in answers] == [None, None, ENGINE_ERROR, None]
    assert [answer.response for answer in answers] == ["w0 w1 w2 "] * 2 + ["", "w0 w1 w2 "]
    assert len((tmp_path / "j").read_bytes().splitlines()) == 3


@pytest.mark.parametrize("prompt", ["silent", "pinging"])
def test_an_engine_that_hangs_is_lost_after_its_patience(opened, request_of, prompt):
    with opened(patience_s=1) as engine:
        began = time.monotonic()
        with pytest.raises(EngineDiedError):
            engine.answer(request_of(prompt))
        assert time.monotonic() - began < 15


def test_an_engine_that_hangs_at_its_start_is_lost_after_its_patience(opened):
    began = time.monotonic()
    with pytest.raises(EngineDiedError, match="did not start"), opened("hang", patience_s=1):
        pass
    assert time.monotonic() - began < 15


def test_an_engine_that_does_not_start_says_its_last_words(opened):
    with pytest.raises(EngineDiedError, match="these are no weights"), opened("die"):
        pass


def test_the_engine_is_gone_after_the_run(opened):
    with opened() as engine:
        pid = engine.server.pid
    assert not Path(f"/proc/{pid}").exists()


def test_requests_never_overlap(opened, request_of, tmp_path):
    requests = [request_of("hello", number) for number in range(4)]
    with opened() as engine, open_journal(tmp_path / "j") as journal:
        answer_all(Stream(engine), requests, journal, "m")
    log = (tmp_path / "engine.log").read_text().split()
    assert [word for word in log if word in ("begin", "end")] == ["begin", "end"] * 4


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


def test_the_fingerprint_is_stable_and_moves_with_every_parameter(opened):
    def identity(**parameters):
        with opened(**parameters) as engine:
            return fingerprint_id(engine.fingerprint)

    first = identity()
    assert identity(patience_s=30) == first  # decides no text
    sampler = {**llamacpp.GREEDY, "top_k": 1}
    others = [
        {"context": 1024}, {"threads": 1}, {"ubatch": 128}, {"flash_attention": True},
        {"kv_type": "q8_0"}, {"sampler": sampler}, {"chat_template": "other"},
    ]  # fmt: skip
    assert len({first, *(identity(**other) for other in others)}) == len(others) + 1


def test_an_engine_that_comes_back_as_another_one_ends_the_run(opened, request_of, tmp_path):
    with opened() as engine, open_journal(tmp_path / "j") as journal:
        stream = Stream(engine)
        answer_all(stream, [request_of("hello", 0)], journal, "m")
        engine.server.order["parameters"]["context"] = 1024
        os.kill(engine.server.pid, signal.SIGKILL)
        with pytest.raises(HarnessError, match="another fingerprint"):
            answer_all(stream, [request_of("hello", 1)], journal, "m")


def test_a_template_that_writes_the_date_is_refused(opened):
    template = "Today is {{ strftime_now('%d') }}"
    with pytest.raises(UserError, match="date"), opened(chat_template=template):
        pass
