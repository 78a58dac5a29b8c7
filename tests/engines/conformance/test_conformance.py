"""What every inference engine has to do, one suite over all of them (see conftest.py).

Tests that take `subject` can be asked of any healthy server; those that take `fake` need an engine
that dies, hangs or lies on command.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from passes import SAME

from assay.core.errors import HarnessError, UserError
from assay.engines._answers import ENGINE_ERROR, Stream, answer_all, checked
from assay.engines._journal import open_journal
from assay.engines._outputs import fingerprint_id
from assay.engines.base import FINISH_REASONS, LENGTH, STOP, EngineDiedError, Margin

# Each decides the text; each engine's own beside them.
MOVED = {
    "llamacpp": [{"ubatch": 128}, {"flash_attention": True}, {"chat_template": "other"}],
    "ollama": [{"ubatch": 128}, {"flash_attention": False}, {"template": "{{ .Prompt }}"},
               {"renderer": "other"}, {"think": True}, {"use_mmap": False}, {"gpu_layers": 9}],
    "vllm": [{"batch": 128}, {"block": 64}, {"dtype": "bfloat16"}, {"eager": False},
             {"device": "cuda"}, {"device": "cuda", "batch_invariant": True}, {"kv_mib": 300},
             {"chat_template": "other"}, {"template_values": {"think": True}}],
}  # fmt: skip


def same(answer):
    return [getattr(answer, name) for name in SAME]


def test_greedy_answers_repeat_warm_reordered_and_after_a_restart(subject):
    first, other = (
        subject.request(subject.said(what), max_tokens=32) for what in ("plain", "other")
    )
    with subject.open() as engine:
        one = [same(engine.answer(request)) for request in (first, first, other, first)]
        engine.restart()
        again = [same(engine.answer(request)) for request in (other, first)]
    assert one[0] == one[1] == one[3] == again[1]
    assert one[2] == again[0]


def test_an_answer_ends_where_the_model_ends_it(subject):
    with subject.open() as engine:
        answer = engine.answer(subject.request(subject.said("plain"), max_tokens=256))
    assert (answer.finish_reason, answer.void) == (STOP, None)
    assert 0 < answer.completion_tokens < 256
    assert answer.response
    if not subject.live:
        assert (answer.response, answer.completion_tokens) == ("w0 w1 w2 ", 3)


def test_an_endless_answer_ends_at_its_budget_and_is_no_void(subject):
    with subject.open() as engine:
        answer = engine.answer(subject.request(subject.said("endless"), max_tokens=5))
    assert (answer.finish_reason, answer.void) == (LENGTH, None)
    assert answer.completion_tokens == 5
    if not subject.live:
        assert answer.response == "w0 w1 w2 w3 w4 "


def test_every_answer_carries_times_and_no_cached_token(subject):
    with subject.open() as engine:
        answer = engine.answer(subject.request(subject.said("plain")))
    assert 0 < answer.ttft_us <= answer.latency_us
    assert answer.prompt_us > 0
    assert answer.decode_us > 0
    assert answer.cached_tokens == 0
    if not subject.live:
        assert (answer.prompt_us, answer.decode_us) == (1500, 2500)


def test_prompt_tokens_agree_and_grow_with_the_prompt(subject):
    plain = subject.said("plain")
    with subject.open() as engine:
        short, again, longer = (
            engine.answer(subject.request(prompt, max_tokens=4)).prompt_tokens
            for prompt in (plain, plain, plain + " 1 2 3 4 5 6 7 8")
        )
    assert short == again
    assert longer >= short + 8
    if not subject.live:
        assert (short, longer) == (3, 11), "the words, and what the template adds"


def test_unicode_comes_back_whole(subject):
    with subject.open() as engine:
        answer = engine.answer(subject.request(subject.said("unicode"), max_tokens=64))
    assert answer.void is None
    assert answer.response.encode("utf-8").decode("utf-8") == answer.response
    assert "\ufffd" not in answer.response
    if not subject.live:
        assert answer.response == subject.said("unicode").partition(" ")[2]


def test_a_prompt_that_is_much_too_long_is_void_and_never_cut(subject):
    with subject.open(context=1024) as engine:
        answer = engine.answer(subject.request(" ".join(map(str, range(2000)))))
        assert answer.void
        assert (answer.response, answer.finish_reason) == ("", "error")
        after = engine.answer(subject.request(subject.said("plain")))
    assert after.void is None, "one refusal is the end of one row"


def test_finish_reasons_are_of_one_vocabulary(subject):
    with subject.open() as engine:
        found = [
            engine.answer(subject.request(subject.said(what), max_tokens=n)).finish_reason
            for what, n in (("plain", 128), ("endless", 3))
        ]
    assert found == [STOP, LENGTH]
    assert set(found) <= set(FINISH_REASONS)


def test_a_restart_and_another_start_give_the_same_fingerprint(subject):
    with subject.open() as engine:
        first = json.dumps(engine.fingerprint, sort_keys=True)
        engine.answer(subject.request(subject.said("plain")))
        engine.restart()
        assert json.dumps(engine.fingerprint, sort_keys=True) == first
    with subject.open() as engine:
        assert json.dumps(engine.fingerprint, sort_keys=True) == first
    assert str(Path.home()) not in first
    assert str(subject.folder) not in first


# From here on: engines that misbehave on command.


@pytest.mark.parametrize(("words", "fits"), [(47, True), (48, False), (70, False)])
def test_the_longest_prompt_that_fits_is_answered_and_the_next_is_void(fake, words, fits):
    with fake.open(context=64) as engine:
        answer = engine.answer(fake.request(" ".join(["word"] * words), max_tokens=16))
    assert (answer.void is None) == fits
    if words == 48:
        assert answer.void == (
            "a prompt of 49 tokens and an answer of 16 do not fit into the context of 64"
        )


def test_an_empty_answer_is_an_answer(fake):
    with fake.open() as engine:
        answer = engine.answer(fake.request("empty"))
    assert (answer.response, answer.thinking) == ("", None)
    assert (answer.finish_reason, answer.void) == ("stop", None)
    assert (answer.completion_tokens, answer.ttft_us) == (0, None)


def test_how_sure_a_token_was_is_told_by_the_place_that_it_wrote(fake):
    request = fake.request("hello there")
    with fake.open() as engine:
        found = [engine.margin(request, "response", place) for place in (0, 2, 3, 8, 9)]
        assert engine.margin(request, "thinking", 0) == found[0], "there is none: from the start"
    assert found == [
        Margin("w0 ", "v0 ", 0.25), Margin("w0 ", "v0 ", 0.25), Margin("w1 ", "v1 ", 1.25),
        Margin("w2 ", "v2 ", 2.25), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [("cached prompt", "from a cache"), ("strange", "stopped for no known reason (none)")],
)
def test_what_is_no_measurement_is_void_and_says_why(fake, prompt, reason):
    with fake.open() as engine:
        assert reason in checked(engine.answer(fake.request(prompt))).void


def test_a_model_that_spilled_from_the_gpu_voids_every_row_and_shows_in_the_fingerprint(fake):
    if "gpu_layers" not in fake.plugin.PARAMETERS["properties"]:
        pytest.skip("all of the model lies on the card, or the engine does not start")
    with fake.open("spilled", gpu_layers=99) as engine:
        assert engine.answer(fake.request("hello")).void == "only 6 of 9 layers are on the GPU"
        assert engine.fingerprint["layers_offloaded"] == [6, 9]
    with fake.open("spilled", gpu_layers=0) as engine:
        assert engine.answer(fake.request("hello")).void is None


@pytest.mark.parametrize("prompt", ["dead", "broken", "refused"])
def test_an_engine_that_breaks_off_is_lost_and_can_be_started_again(fake, prompt):
    with fake.open() as engine:
        with pytest.raises(EngineDiedError):
            engine.answer(fake.request(prompt))
        engine.restart()
        assert engine.answer(fake.request("hello")).void is None


def test_an_engine_killed_between_two_requests_is_started_anew(fake):
    with fake.open() as engine, open_journal(fake.folder / "j") as journal:
        os.kill(engine.server.pid, signal.SIGKILL)
        stream = Stream(engine)
        (answer,) = answer_all(stream, [fake.request("hello")], journal, "m")
    assert (answer.response, answer.void) == ("w0 w1 w2 ", None)
    assert len(stream.events) == 2


def test_an_engine_that_dies_in_the_middle_loses_nothing(fake):
    requests = [
        fake.request(text, n) for n, text in enumerate(("hello", "mortal", "dead", "again"))
    ]
    with fake.open() as engine, open_journal(fake.folder / "j") as journal:
        answers = answer_all(Stream(engine), requests, journal, "m")
    assert [answer.void for answer in answers] == [None, None, ENGINE_ERROR, None]
    assert [answer.response for answer in answers] == ["w0 w1 w2 "] * 2 + ["", "w0 w1 w2 "]
    assert len((fake.folder / "j").read_bytes().splitlines()) == 3


def test_an_engine_that_is_silent_is_lost_after_its_patience(fake):
    with fake.open(patience_s=15) as engine, pytest.raises(EngineDiedError):
        engine.answer(fake.request("silent"))


def test_a_slow_start_is_waited_for(fake):
    with fake.open("slow") as engine:
        assert engine.answer(fake.request("hello")).void is None


def test_an_engine_that_hangs_at_its_start_does_not_start(fake):
    with (
        pytest.raises(EngineDiedError, match="no word within 1 s"),
        fake.open("hang", patience_s=1),
    ):
        pass


@pytest.mark.parametrize(("weights", "words"), [("die", "no weights"), ("oom", "memory")])
def test_an_engine_that_does_not_start_says_its_last_words(fake, weights, words):
    with pytest.raises(EngineDiedError, match=words), fake.open(weights):
        pass


def test_the_engine_is_gone_after_the_run(fake):
    with fake.open() as engine:
        pid = engine.server.pid
    assert not Path(f"/proc/{pid}").exists()


def test_requests_never_overlap(fake):
    requests = [fake.request("hello", number) for number in range(4)]
    with fake.open() as engine, open_journal(fake.folder / "j") as journal:
        answer_all(Stream(engine), requests, journal, "m")
    words = fake.log.read_text().split()
    assert [word for word in words if word in ("begin", "end")] == ["begin", "end"] * 4


def test_the_fingerprint_moves_with_every_parameter_that_decides_text(fake):
    def identity(**parameters):
        with fake.open(**parameters) as engine:
            return fingerprint_id(engine.fingerprint)

    first = identity()
    assert identity(patience_s=30) == first
    example = fake.plugin.EXAMPLES[0]
    kinds = fake.plugin.PARAMETERS["properties"]["kv_type"]["enum"]
    kv_type = next(kind for kind in kinds if kind != example["kv_type"])
    others = [
        {"context": 1024}, {"threads": 1}, {"kv_type": kv_type},
        {"sampler": {**example["sampler"], "top_k": 1}}, *MOVED[fake.name],
    ]  # fmt: skip
    assert len({first, *(identity(**other) for other in others)}) == len(others) + 1


def test_an_engine_that_comes_back_as_another_one_ends_the_run(fake):
    with fake.open() as engine, open_journal(fake.folder / "j") as journal:
        stream = Stream(engine)
        answer_all(stream, [fake.request("hello", 0)], journal, "m")
        engine.server.parameters["threads"] = 1
        engine.server.parameters["context"] = 1024
        os.kill(engine.server.pid, signal.SIGKILL)
        with pytest.raises(HarnessError, match="another fingerprint"):
            answer_all(stream, [fake.request("hello", 1)], journal, "m")


def test_a_template_that_writes_the_date_is_refused(fake):
    with pytest.raises(UserError, match="date"), fake.open("dated"):
        pass
