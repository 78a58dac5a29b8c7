"""The probe: what it asks, what counts as a difference, what it leaves behind."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import pytest

from assay.core.errors import HarnessError
from assay.core.files import read_json
from assay.engines._answers import Stream
from assay.engines._probe import PASSES, PROMPTS, difference_words, probe, probe_requests
from assay.engines.base import Answer

FAKE = Path(__file__).parent / "fakes" / "fake_engine.py"


@pytest.fixture
def stream(tmp_path):
    """A stream on the fake engine (no model) with some habits."""
    spec = importlib.util.spec_from_file_location("fake_engine", FAKE)
    fake = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    weights = tmp_path / "weights"
    weights.write_text("fake weights")

    def make(*habits):
        settings = {"parameters": {"habits": habits}}
        return Stream(fake.FakeEngine(settings, weights, io.BytesIO()))

    return make


def asked(stream):
    lines = stream.engine.log.getvalue().decode().splitlines()
    return [line.removeprefix("asked probe-") for line in lines]


def test_each_prompt_is_asked_cold_warm_in_another_order_and_after_a_restart(stream):
    probed = stream()
    record = probe(probed)
    order = list(PROMPTS)
    assert asked(probed) == [
        *order, *order, *order[::-1], "restart", *order, "restart",
    ], "and the run finds a server that was just started"  # fmt: skip
    assert (record["passes"], record["prompts"]) == (list(PASSES), order)
    assert (record["compared"], record["different"]) == (3 * len(order), 0)
    assert record["deterministic"] is True
    assert record["first_difference"] is None
    assert record["duration_us"] > 0
    assert probed.events == []


def test_a_repeated_run_has_the_same_record_but_for_its_duration(stream):
    one, two = ({**probe(stream()), "duration_us": 0} for _ in range(2))
    assert one == two


@pytest.mark.parametrize(
    ("habit", "where", "prompt"),
    [("tires", "warm", "count"), ("ages", "restarted", "count"), ("carries", "reordered", "clamp")],
)
def test_an_engine_that_does_not_repeat_itself_is_told_with_pass_and_prompt(
    stream, capsys, habit, where, prompt
):
    record = probe(stream(habit))
    first = record["first_difference"]
    assert record["deterministic"] is False
    assert (first["pass"], first["prompt"], first["field"]) == (where, prompt, "response")
    assert {first["cold"], first["here"]} == {"", "!"}
    assert first["character"] > 0
    words = difference_words(record)
    assert f"of 9 repeated answers differ from the cold ones; the first is {where}" in words
    assert f"prompt `{prompt}`: response, from character {first['character']} on" in words
    assert words in capsys.readouterr().err


def test_equal_texts_of_other_token_counts_differ(stream):
    probed = stream()
    answer = probed.engine.answer
    counts = iter([1, 1, 1, 2, *[1] * 99])
    probed.engine.answer = lambda request: _with(answer(request), completion_tokens=next(counts))
    record = probe(probed)
    assert record["different"] == 1
    assert record["first_difference"] == {
        "pass": "warm", "prompt": "count", "field": "completion_tokens", "character": None,
        "cold": 1, "here": 2,
    }  # fmt: skip
    assert difference_words(record).endswith("prompt `count`: completion_tokens")


def _with(answer, **other):
    return type(answer)(**{**vars(answer), **other})


def test_a_repetition_that_is_faster_is_told_and_decides_nothing(stream, capsys):
    record = probe(stream("hurries"))
    assert record["faster"] == ["ttft_us", "latency_us"]
    assert record["times"]["latency_us"] == {
        "cold": 180_000, "warm": 18_000, "reordered": 18_000, "restarted": 180_000,
    }  # fmt: skip
    assert record["deterministic"] is True
    assert "there is a cache" in capsys.readouterr().err


def test_noise_is_not_called_faster(stream):
    assert probe(stream())["faster"] == []
    busy = stream()  # as measured without any cache: see the comment in the module
    calm = busy.engine.answer
    busy.engine.answer = lambda request: _with(
        calm(request),
        latency_us=2_310_000 if busy.engine.answers > 3 and not busy.engine.starts else 4_090_000,
    )
    assert probe(busy)["faster"] == []
    for slow in ("cold", "restarted"):  # one of the two first times alone
        probed = stream()
        answer, starts = probed.engine.answer, {"cold": 0, "restarted": 1}[slow]
        probed.engine.answer = lambda request, e=probed.engine, a=answer, n=starts: _with(
            a(request), latency_us=900_000 if e.starts == n and not e.answers > 3 * (n + 1) else 90
        )
        assert probe(probed)["faster"] == []


def test_tokens_that_came_from_a_cache_are_counted(stream):
    probed = stream()
    answer = probed.engine.answer
    probed.engine.answer = lambda request: _with(answer(request), cached_tokens=2)
    record = probe(probed)
    assert record["cached_tokens"] == 2 * 4 * len(PROMPTS)
    assert record["deterministic"] is True


def test_answers_that_never_came_show_nothing(stream):
    """An engine that is lost does not repeat itself; the run has its own chances afterwards."""
    record = probe(lost := stream("faints"))
    assert record["deterministic"] is False
    assert record["first_difference"]["field"] == "void"
    assert record["first_difference"]["here"] == "engine error"
    assert record["faster"] == []
    assert lost.up
    assert lost.lost == 0
    assert any("fainted" in event for event in lost.events)


def test_prompts_that_do_not_fit_show_nothing(stream):
    probed = stream()
    probed.engine.answer = lambda request: Answer(
        "", "", void="does not fit", finish_reason="error"
    )
    record = probe(probed)
    assert (record["compared"], record["different"]) == (0, 0)
    assert record["deterministic"] is None


def test_an_engine_that_comes_back_as_another_one_ends_the_run(stream):
    probed = stream()
    restart = probed.engine.restart

    def other():
        restart()
        probed.engine.fingerprint = {"weights": "others"}

    probed.engine.restart = other
    with pytest.raises(HarnessError, match="another fingerprint"):
        probe(probed)


def test_the_prompts_are_few_short_and_no_tasks():
    requests = probe_requests()
    assert len({request.task_id for request in requests}) == len(requests) <= 4
    assert sum(request.max_tokens for request in requests) <= 64
    assert max(len(request.prompt) for request in requests) <= 600
    assert {request.category for request in requests} == {"probe"}


# Below, the step as a process of its own, in a real view.


def tasks_of(task, count=3):
    return [task(number, f"slow prompt {number}") for number in range(count)]


def test_every_row_says_that_the_engine_repeated_itself(fake_run, task):
    run = fake_run(tasks_of(task))
    status, said = run.run()
    assert status == 0
    assert "probe: 9 repeated answers in" in said
    assert {row["deterministic"] for row in run.rows()} == {True}
    found = run.fingerprint()
    assert found["measured"]["probe"]["deterministic"] is True
    assert "probe" not in found["fingerprint"]
    log = (run.telemetry / "engine.log").read_text().split("\n")
    assert log[log.index("asked task000") - 1] == "restart", "the run starts cold"


def test_a_run_of_an_engine_that_does_not_repeat_itself_ends_well_and_is_marked(fake_run, task):
    run = fake_run(tasks_of(task), habits=("tires",))
    assert run.run()[0] == 0
    assert {row["deterministic"] for row in run.rows()} == {False}
    assert [row["void"] for row in run.rows()] == [None] * 3
    assert run.fingerprint()["measured"]["probe"]["first_difference"]["pass"] == "warm"


def test_an_engine_that_declares_so_is_not_probed(fake_run, task, library):
    plugin = library / "assay" / "engines" / "fake.py"
    text = plugin.read_text()
    try:
        plugin.write_text(text.replace("PROBED = True", "PROBED = False"))
        run = fake_run(tasks_of(task), habits=("tires",))
        assert run.run()[0] == 0
    finally:
        plugin.write_text(text)
    log = (run.telemetry / "engine.log").read_text()
    assert "probe" not in log
    assert "restart" not in log
    assert {row["deterministic"] for row in run.rows()} == {None}
    assert read_json(run.telemetry / "fingerprint.json")["measured"]["probe"] is None
    assert (run.telemetry / "answers.jsonl").read_text() == "", "nothing is kept for other runs"


def test_the_overhead_counts_measured_turns_alone(fake_run, task):
    run = fake_run([task(0, "slow one"), task(1, "die of a fault"), task(2, "slow two")])
    assert run.run()[0] == 0
    spent = run.fingerprint()["measured"]["stream"]
    # The turn after a death starts the engine anew, and is not counted.
    assert spent["answers"] == 1
    assert spent["engine_us"] == 70_000
    assert spent["wall_us"] > 0
