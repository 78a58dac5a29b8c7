"""The response cache: what is asked, what is taken, what is damaged; runs with a fake engine."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from assay.core.records import TELEMETRY
from assay.core.tables import read_table
from assay.engines import _cache
from assay.engines._cache import (
    FILE,
    answers_as_lines,
    cache_key,
    keep,
    take_known,
)
from assay.engines._journal import Journal, request_digest
from assay.engines._outputs import Outputs
from assay.engines._step import Inputs, view_of
from assay.engines._stored import Checked
from assay.engines.base import Answer, Request

KEY = "0123456789abcdef-0123456789abcdef"


def tasks_of(task, count=4):
    return [task(number, f"slow prompt {number}") for number in range(count)]


def times_of(run):
    return read_table(run.telemetry / "telemetry.parquet", TELEMETRY)


@pytest.fixture
def folder(tmp_path):
    """The cache's folder of the weights, as the host's side makes it."""
    return tmp_path / "cache" / "responses" / ("a" * 64)


@pytest.fixture(scope="module")
def kept(fake_run_at, task, tmp_path_factory):
    """A finished run of four tasks whose answers were put into the cache, and that cache."""
    root = tmp_path_factory.mktemp("kept")
    run = fake_run_at(root / "first", tasks_of(task))
    assert run.run()[0] == 0
    assert keep(run.telemetry / FILE, root / "cache") == 4
    return run, root / "cache"


def test_a_run_with_one_more_and_one_changed_task_asks_for_these_alone(kept, fake_run, task):
    first, cache = kept
    rows = [*tasks_of(task, 3), task(3, "slow other"), task(4, "slow new")]
    again = fake_run(rows, known=cache)
    status, said = again.run()
    assert status == 0
    assert "m: 3 of 5 answers are in the response cache" in said
    assert again.asked() == ["task003", "task004"]
    texts = [[row["response"] for row in run.rows()[:3]] for run in (first, again)]
    assert texts[0] == texts[1]
    assert [row["from_cache"] for row in times_of(again)] == [True] * 3 + [False] * 2


def test_rows_from_the_cache_are_the_same_bytes_and_keep_their_own_times(kept, fake_run, task):
    first, cache = kept
    again = fake_run(tasks_of(task), known=cache)
    shutil.copytree(cache, again.root / "cache")
    again.known = again.root / "cache"
    entry, damaged = sorted(again.known.rglob("*.json"))[:2]
    slow = json.loads(entry.read_text())
    requests = [_request(row) for row in tasks_of(task)]
    number = [request_digest(request) for request in requests].index(slow["request"])
    answer = Answer(**{**slow["answer"], "latency_us": 123_456})
    entry.write_text(answers_as_lines(slow["key"], [(requests[number], answer)]).strip())
    damaged.write_text(damaged.read_text()[:-9])
    status, said = again.run()
    assert status == 0
    assert "damaged entry, which is not used" in said
    assert len(again.asked()) == 1
    assert again.responses.read_bytes() == first.responses.read_bytes()
    assert times_of(again)[number]["latency_us"] == 123_456
    assert sum(row["from_cache"] for row in times_of(again)) == 3
    assert again.fingerprint()["measured"]["stream"]["answers"] == 1
    assert keep(again.telemetry / FILE, again.known) == 1, "the damaged one is replaced"


def test_the_view_shows_the_cache_of_the_weights_and_lets_nothing_be_put_there(tmp_path):
    outputs = Outputs(tmp_path / "m" / "r", tmp_path / "t" / "t", tmp_path / "t" / "f")
    known = tmp_path / "known"
    inputs = Inputs((), (), tmp_path / "receipt", None, known=known)
    views = []
    for _ in range(2):
        order, view = view_of(
            "llamacpp", {}, Checked(((tmp_path / "weights", ""),), "a"), inputs, outputs
        )
        views.append((order.known, (known, "/known") in view.shown))
        known.mkdir(exist_ok=True)
    assert views == [(None, False), ("/known", True)], "a folder that is not there is not shown"
    assert known not in [outside for outside, _ in view.writable]


def test_an_engine_that_does_not_repeat_itself_leaves_and_takes_nothing(
    fake_run, task, folder, library, monkeypatch
):
    monkeypatch.setattr(_cache, "__file__", str(library / "assay" / "engines" / "_cache.py"))
    run = fake_run(tasks_of(task, 2), "first", habits=("tires",))
    assert run.run()[0] == 0
    assert {row["from_cache"] for row in times_of(run)} == {False}
    assert keep(run.telemetry / FILE, folder) == 0
    # Even if an entry of its fingerprint is there.
    key = cache_key(run.fingerprint()["id"], "fake")
    asked = [(_request(row), Answer("forged", "")) for row in tasks_of(task, 2)]
    (run.root / "lines").write_text(answers_as_lines(key, asked))
    assert keep(run.root / "lines", folder) == 2
    again = fake_run(tasks_of(task, 2), "again", known=folder, habits=("tires",))
    assert again.run()[0] == 0
    assert len(again.asked()) == 2


def _request(row):
    return Request(**{name: row[name] for name in Request.__annotations__})


def _known(folder, *requests, key=KEY):
    journal = Journal(-1, folder, {})
    take_known(folder, key, requests, journal, "m")
    return journal.done


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("the text", "the test", 1),
        lambda text: "",
        lambda text: "[" * 20,
        lambda text: '{"sha256": 1}',
        lambda text: json.dumps({**json.loads(text), "extra": 1}),
        lambda text: text.replace("0123456789abcdef", "1123456789abcdef", 1),
    ],
)
def test_a_damaged_entry_is_told_and_not_used(folder, request_of, tmp_path, capsys, damage):
    request = request_of("a")
    lines = tmp_path / "lines"
    lines.write_text(answers_as_lines(KEY, [(request, Answer("the text", ""))]))
    assert keep(lines, folder) == 1
    (entry,) = folder.rglob("*.json")
    whole = entry.read_text()
    assert damage(whole) != whole
    entry.write_text(damage(whole))
    assert _known(folder, request) == {}
    assert "damaged entry, which is not used" in capsys.readouterr().err
    assert keep(lines, folder) == 1
    assert entry.read_text() == whole
    assert len(_known(folder, request)) == 1


def test_an_entry_in_the_place_of_another_is_damaged(folder, request_of, tmp_path):
    requests = [request_of("a"), request_of("b")]
    asked = [(request, Answer("x", "")) for request in requests]
    (tmp_path / "lines").write_text(answers_as_lines(KEY, asked))
    keep(tmp_path / "lines", folder)
    one, other = sorted(folder.rglob("*.json"))
    one.write_text(other.read_text())
    assert len(_known(folder, *requests)) == 1


def test_the_key_holds_the_fingerprint_the_engine_and_the_code(monkeypatch, tmp_path):
    key = cache_key("f" * 16, "llamacpp")
    assert cache_key("f" * 16, "llamacpp") == key
    room = tmp_path / "engines"
    shutil.copytree(Path(_cache.__file__).parent, room)
    monkeypatch.setattr(_cache, "__file__", str(room / "_cache.py"))
    assert cache_key("f" * 16, "llamacpp") == key, "code, not where it lies"
    others = {cache_key("e" * 16, "llamacpp"), cache_key("f" * 16, "null")}
    for name in ("llamacpp", "_llamacpp_client", "base"):
        with (room / f"{name}.py").open("a") as stream:
            stream.write("# changed")
        others.add(cache_key("f" * 16, "llamacpp"))
    assert len(others) == 5
    assert key not in others


def test_void_answers_are_not_kept(request_of):
    asked = [(request_of("a"), Answer("", "", void="why")), (request_of("b"), Answer("x", ""))]
    assert len(answers_as_lines(KEY, asked).splitlines()) == 1


def test_lines_that_are_damaged_or_name_other_places_are_left_out(folder, request_of, tmp_path):
    good = answers_as_lines(KEY, [(request_of("a"), Answer("x", ""))])
    outside = answers_as_lines("../../up", [(request_of("b"), Answer("x", ""))])
    lines = tmp_path / "lines"
    lines.write_text(good + outside + "no JSON\n" + good.replace('"x"', '"y"') + good[:50])
    assert keep(lines, folder) == 1
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert found == [f"{KEY}/{request_digest(request_of('a'))}.json"]
    assert not list(tmp_path.rglob("up"))


def test_what_is_there_already_stays(folder, request_of, tmp_path):
    first = [(request_of("a"), Answer("x", "", latency_us=1))]
    later = [(request_of("a"), Answer("x", "", latency_us=2, from_cache=True))]
    for asked, count in ((first, 1), (later, 0)):
        (tmp_path / "lines").write_text(answers_as_lines(KEY, asked))
        assert keep(tmp_path / "lines", folder) == count
    found = _known(folder, request_of("a"), request_of("b"))
    assert list(found.values()) == [replace(first[0][1], from_cache=True)]


def test_runs_side_by_side_put_whole_entries(folder, request_of, tmp_path, capsys):
    lines = tmp_path / "lines"
    requests = [request_of(f"p{number}", number) for number in range(8)]
    asked = [(request, Answer("long " * 2000, "")) for request in requests]
    lines.write_text(answers_as_lines(KEY, asked))
    writers = [threading.Thread(target=keep, args=(lines, folder)) for _ in range(3)]
    for thread in writers:
        thread.start()
    while any(thread.is_alive() for thread in writers):
        _known(folder, *requests)
    for thread in writers:
        thread.join()
    assert len(_known(folder, *requests)) == 8
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 8
    assert "damaged" not in capsys.readouterr().err
