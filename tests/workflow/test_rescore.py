"""What `make rescore-ten` takes for equal, flagged and different; and that its rounds differ."""

from __future__ import annotations

import os

import pytest
import rescore

OWN = rescore.Work("m on t", "t", lambda _out, _workers: [], b"own")
ATTACKS = rescore.Work("attacks", "t", lambda _out, _workers: [])
LIMIT = rescore.Work("at the limit", "t", lambda _out, _workers: [])


def row(status: str, outcome: str) -> list[dict]:
    return [{"task_id": "at", "status": status, "outcome": outcome}]


@pytest.mark.parametrize(("work", "found", "before", "problem"), [
    (OWN, (b"own", [], []), b"own", ""),
    (OWN, (b"other", [], []), b"other", "DIFFERENT"),  # equal to the first round is not enough
    (ATTACKS, (b"a", [], ["near"]), b"a", ""),
    (ATTACKS, (b"a", [], ["near"]), b"b", "DIFFERENT"),
    (ATTACKS, (b"a", [], []), b"a", "not flagged"),
    (LIMIT, (b"a", row("passed", "ran"), ["at"]), b"b", ""),
    (LIMIT, (b"a", row("failed", "cpu_timeout"), []), b"b", ""),
    (LIMIT, (b"a", row("passed", "ran"), []), b"a", "neither flagged nor out of time: passed"),
    (LIMIT, (b"a", row("failed", "crashed"), ["at"]), b"a",
     "neither flagged nor out of time: failed"),
])  # fmt: skip
def test_what_is_wrong_is_said(work, found, before, problem):
    assert rescore.check(work, found, before) == problem


def test_ten_rounds_differ_in_cores_load_and_hash_seed(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 1})
    turns = [rescore.Round(number) for number in range(rescore.ROUNDS)]
    assert {(tuple(one.cores), one.loaded) for one in turns} == {
        ((1,), False), ((1,), True), ((1, 3), False), ((1, 3), True),
    }  # fmt: skip
    assert len({one.hash_seed for one in turns}) == 10


def test_a_run_that_is_not_finished_is_told(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("run: never-made\n")
    with pytest.raises(SystemExit, match="no finished run"):
        rescore.finished(config)
