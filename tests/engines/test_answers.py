"""One stream: order, restarts, what is void, what is journalled."""

from __future__ import annotations

import pytest

from assay.core.errors import HarnessError
from assay.engines._answers import (
    ENGINE_ERROR,
    GIVE_UP,
    Progress,
    Stream,
    answer_all,
    checked,
    requests_of,
)
from assay.engines._journal import open_journal
from assay.engines.base import Answer, EngineDiedError


class FakeEngine:
    """Answers with the prompt's length; dies as often as `deaths` says for a prompt."""

    def __init__(self, **deaths):
        self.measured = {}
        self.fingerprint = {"fake": 1}
        self.deaths, self.did = deaths, []
        self.comes_back = True

    def answer(self, request):
        self.did.append(request.prompt)
        if self.deaths.get(request.prompt, 0) > 0:
            self.deaths[request.prompt] -= 1
            raise EngineDiedError("the fake died")
        return Answer(str(len(request.prompt)), "", cached_tokens=4 * (request.prompt == "warm"))

    def restart(self):
        self.did.append("restart")
        if not self.comes_back:
            raise EngineDiedError("the fake does not come up")


def answers_of(engine, prompts, request_of, path):
    requests = [request_of(prompt, number) for number, prompt in enumerate(prompts)]
    stream = Stream(engine)
    with open_journal(path) as journal:
        return stream, answer_all(stream, requests, journal, "m")


def test_requests_come_in_the_order_of_their_ids(task):
    rows = [task(2, "c"), task(0, "a"), task(1, "b", target="s"), task(1, "d")]
    assert [request.prompt for request in requests_of(rows)] == ["b", "a", "d", "c"]


def test_a_prompt_that_is_not_the_one_of_its_digest_ends_the_run(task):
    with pytest.raises(HarnessError, match="task000"):
        requests_of([{**task(0, "a"), "prompt": "b"}])


def test_a_request_is_asked_again_once_after_a_death(request_of, tmp_path):
    engine = FakeEngine(bb=1)
    stream, answers = answers_of(engine, ["a", "bb", "ccc"], request_of, tmp_path / "j")
    assert [answer.response for answer in answers] == ["1", "2", "3"]
    assert engine.did == ["a", "bb", "restart", "bb", "ccc"]
    assert stream.events == ["task001: the fake died", "task001: the engine is started anew"]


def test_a_request_that_kills_the_engine_twice_is_void_and_the_next_one_is_asked(
    request_of, tmp_path
):
    engine = FakeEngine(bb=9)
    stream, answers = answers_of(engine, ["a", "bb", "ccc"], request_of, tmp_path / "j")
    assert [answer.void for answer in answers] == [None, ENGINE_ERROR, None]
    assert answers[1].finish_reason == "error"
    assert engine.did == ["a", "bb", "restart", "bb", "restart", "ccc"]
    assert stream.events[-2:] == [
        "task001: void, the engine gave no answer", "task002: the engine is started anew",
    ]  # fmt: skip


def test_an_engine_that_stays_dead_is_given_up(request_of, tmp_path):
    engine = FakeEngine(a=9)
    engine.comes_back = False
    _, answers = answers_of(engine, ["a"] * (GIVE_UP + 5), request_of, tmp_path / "j")
    assert {answer.void for answer in answers} == {ENGINE_ERROR}
    assert engine.did.count("restart") == 2 * GIVE_UP - 1


def test_an_engine_error_is_not_journalled_so_that_a_restarted_run_asks_again(request_of, tmp_path):
    path = tmp_path / "j"
    answers_of(FakeEngine(bb=9), ["a", "bb"], request_of, path)
    engine = FakeEngine()
    _, answers = answers_of(engine, ["a", "bb"], request_of, path)
    assert engine.did == ["bb"]
    assert [answer.response for answer in answers] == ["1", "2"]


def test_an_answer_from_a_warm_cache_is_void_in_the_run_and_in_the_journal(request_of, tmp_path):
    for engine in (FakeEngine(), None):  # the second time all answers are in the journal
        _, answers = answers_of(engine, ["a", "warm"], request_of, tmp_path / "j")
        assert [answer.void for answer in answers] == [None, "4 prompt tokens came from a cache"]


def test_cached_tokens_make_a_row_void_and_an_earlier_reason_stays():
    assert checked(Answer("x", "")).void is None
    assert checked(Answer("x", "", cached_tokens=2)).void == "2 prompt tokens came from a cache"
    assert checked(Answer("x", "", cached_tokens=2, void="first")).void == "first"


def test_progress_tells_speed_and_time_left(capsys):
    times = iter([0.0, 1.0, 6.0, 6.0, 10.0])
    progress = Progress("m", 4, lambda: next(times))
    progress.add(Answer("", "", completion_tokens=10))
    assert capsys.readouterr().err == ""
    progress.add(Answer("", "", completion_tokens=20))
    assert capsys.readouterr().err == "m: 2/4 answers, 3.0 tokens/s, 10 s, about 10 s left\n"
