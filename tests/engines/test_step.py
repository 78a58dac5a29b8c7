"""The step `run_model` as a process with a fake engine: kills, journals, weights, exit codes."""

from __future__ import annotations

import signal
import time

import pytest

from assay.core.files import read_json
from assay.core.records import RESPONSES
from assay.core.tables import write_table


def tasks_of(task, count=8):
    return [task(number, f"slow prompt {number}") for number in range(count)]


def outputs(run):
    return run.responses.read_bytes()


def kill_after(run, answers):
    """Start the run and kill it with SIGKILL once so many answers are in its journal."""
    child = run.start()
    limit = time.monotonic() + 30
    while not run.journals or len(run.journals[0].read_bytes().splitlines()) < answers:
        assert time.monotonic() < limit
        assert child.poll() is None, child.stderr.read()
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stderr.close()


def settled(run):
    """Wait until nothing is written to the journal any more, and return its lines."""
    before = None
    while before != (now := run.journals[0].read_bytes()):
        before = now
        time.sleep(0.4)
    return now.splitlines()


def test_a_run_that_was_killed_goes_on_and_ends_in_the_same_bytes(fake_run, task):
    whole = fake_run(tasks_of(task), "whole", delay_s=0.25)
    assert whole.run()[0] == 0
    killed = fake_run(tasks_of(task), "killed", delay_s=0.25)
    kill_after(killed, 3)
    finished = len(settled(killed))
    assert 3 <= finished < 8, "its engine died with it"
    assert not killed.responses.exists()
    status, said = killed.run()
    assert status == 0
    assert f"{finished} of 8 answers are in the journal already" in said
    assert outputs(killed) == outputs(whole)
    asked = killed.asked()
    assert set(asked) == {f"task{number:03}" for number in range(8)}
    assert len(asked) <= 9, "only the answer that was under way is asked for again"
    for run in (whole, killed):
        assert sorted(path.name for path in run.responses.parent.iterdir()) == [
            "responses.parquet"
        ], "the journal is gone"  # fmt: skip


def test_a_journal_of_another_fingerprint_or_request_is_not_used(fake_run, task):
    run = fake_run(tasks_of(task, 6), delay_s=0.25)
    kill_after(run, 2)
    settled(run)
    asked = len(run.asked())
    other = fake_run(tasks_of(task, 6), weights_text="other weights", delay_s=0.25)
    assert other.run()[0] == 0
    assert len(other.asked()) == asked + 6
    assert other.journals == [], "the stale one is removed too"


def test_a_request_that_changed_is_asked_again(fake_run, task):
    run = fake_run(tasks_of(task, 6), delay_s=0.25)
    kill_after(run, 3)
    before = len(settled(run))
    asked = len(run.asked())
    changed = tasks_of(task, 6)
    changed[0] = task(0, "slow another prompt")
    again = fake_run(changed, delay_s=0.25)
    assert again.run()[0] == 0
    assert len(again.asked()) - asked == 6 - before + 1
    assert again.rows()[0]["response"] == "tpmorp rehtona"


def test_an_engine_error_is_a_void_row_of_a_finished_run(fake_run, task):
    run = fake_run([task(0, "slow one"), task(1, "die of a fault"), task(2, "slow two")])
    assert run.run()[0] == 0
    assert [row["void"] for row in run.rows()] == [None, "engine error", None]
    events = read_json(run.telemetry / "fingerprint.json")["measured"]["events"]
    assert "task001: of a fault" in events


def test_every_row_carries_the_id_of_the_fingerprint_which_holds_the_weights(fake_run, task):
    run = fake_run([task(0, "slow one"), task(1, "slow two")])
    assert run.run()[0] == 0
    content = read_json(run.telemetry / "fingerprint.json")
    assert {row["fingerprint"] for row in run.rows()} == {content["id"]}
    receipt = read_json(run.root / "receipt.json")
    assert content["fingerprint"]["weights_sha256"] == receipt["weights"]["sha256"]
    assert {row["finish_reason"] for row in run.rows()} == {"length"}
    assert {row["void"] for row in run.rows()} == {None}, "an answer at its budget is scored"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), ["cut short", "11 bytes"]),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), ["too long"]),
        (lambda path: path.write_bytes(b"F" + path.read_bytes()[1:]), ["damaged", "sha256"]),
        (lambda path: path.unlink(), ["not in the cache"]),
    ],
)
def test_weights_that_changed_since_they_were_fetched_are_told(fake_run, task, damage, words):
    run = fake_run([task(0, "slow one")])
    damage(run.weights)
    status, said = run.run()
    assert status == 2
    assert all(word in said for word in [*words, "run again"]), said
    assert "Traceback" not in said
    assert not run.responses.exists()


def test_a_model_file_without_weights_is_told(fake_run, task):
    run = fake_run([task(0, "slow one")])
    (run.root / "receipt.json").write_text('{"weights": null}')
    status, said = run.run()
    assert status == 2
    assert "names no weights" in said


def test_a_damaged_table_of_tasks_is_told_and_nothing_is_written(fake_run, task):
    run = fake_run([task(0, "slow one")])
    (run.root / "tasks.parquet").write_bytes(b"no parquet")
    status, said = run.run()
    assert status == 2
    assert "tasks table" in said
    assert not run.responses.exists()


def test_answers_that_are_not_the_published_ones_come_with_their_margins(fake_run, task, tmp_path):
    plain = fake_run(tasks_of(task, 4), "plain")
    assert plain.run()[0] == 0
    assert not (plain.telemetry / "margins.json").exists()
    rows = plain.rows()
    rows[1]["response"] = rows[1]["response"][:3] + "!"
    rows[2]["thinking"] = "hm"
    rows[3] |= {"rendered_sha256": "of another prompt", "response": ""}
    published = tmp_path / "published.parquet"
    write_table(published, RESPONSES, rows)
    again = fake_run(tasks_of(task, 4), "again", against=published)
    assert again.run()[0] == 0
    assert outputs(again) == outputs(plain)
    found = read_json(again.telemetry / "margins.json")["margins"]
    assert found == [
        {"target": "t", "task_id": name, "part": part, "character": place, "token": part,
         "other": str(place), "nats": 0.5}
        for name, part, place in (("task001", "response", 3), ("task002", "thinking", 0))
    ]  # fmt: skip
