"""What `make faults` takes for survived, and that its faults do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import clocks
import damage
import disks
import outcome
import place as places
import pytest
from place import Ended, Place

QUIET = {"a/x": b"1", "b/y": b"2"}
REFUSAL = "error: it is damaged\n  where:    results/faults/a/x\n  hint:     delete it\nmore\n"
TRACEBACK = 'Traceback (most recent call last):\n  File "/w/scripts/assay/core/x.py", line 1\n'


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path / "w", tmp_path / "home")
    for name, data in {**QUIET, "telemetry/t": b"3"}.items():
        (made.results / name).parent.mkdir(parents=True, exist_ok=True)
        (made.results / name).write_bytes(data)
    return made


def broken(table) -> int:
    return len(table.broken)


def test_equal_is_equal_bytes_outside_telemetry_of_a_run_that_ended_well(place):
    table = outcome.Table(QUIET)
    assert table.equal("f", "w", place, Ended(0, ""))
    (place.results / "telemetry/t").write_bytes(b"other")
    assert table.equal("f", "w", place, Ended(0, ""))
    assert not table.equal("f", "w", place, Ended(1, ""))
    (place.results / "a/x").write_bytes(b"other")
    assert not table.equal("f", "w", place, Ended(0, ""))
    (place.results / "a/x").unlink()
    assert not table.equal("f", "w", place, Ended(0, ""))
    assert "a/x" in table.broken[-1]
    assert broken(table) == 3


@pytest.mark.parametrize(("ended", "survived"), [
    (Ended(2, REFUSAL), True),
    (Ended(1, f"x\ninternal {REFUSAL}"), True),
    (Ended(0, REFUSAL), False),  # it went on
    (Ended(2, REFUSAL + TRACEBACK), False),
    (Ended(1, "OSError: [Errno 30] Read-only file system: 'results/faults/a/x'"), True),
    (Ended(2, "error: it is damaged\nthe command line names results/faults/a/x"), False),
    (Ended(2, ""), False),
])  # fmt: skip
def test_refused_is_an_error_in_words_that_names_the_file(ended, survived):
    table = outcome.Table(QUIET)
    assert table.refused("f", "w", ended, "results/faults/a/x") == survived
    assert broken(table) == (not survived)


def test_a_flip_changes_one_bit_and_neither_size_nor_times(place):
    path = place.results / "a/x"
    path.write_bytes(b"abc")
    before = path.stat()
    places.flip(path, 4)
    after = path.stat()
    assert path.read_bytes() == b"acc"
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    places.flip(path, 4)
    assert path.read_bytes() == b"abc"


def test_a_state_that_was_kept_comes_back_with_its_times(place):
    stamp = (place.results / "a/x").stat().st_mtime_ns
    kept = place.snapshot("kept")
    (place.results / "a/x").unlink()
    (place.results / "new").write_bytes(b"")
    place.restore(kept)
    assert place.content() == QUIET
    assert (place.results / "a/x").stat().st_mtime_ns == stamp


def test_every_step_of_the_workflow_is_harmed(repository):
    texts = [path.read_text() for path in sorted((repository / "rules").glob("*.smk"))]
    rules = {name for text in texts for name in re.findall(r"^rule (\w+):", text, re.MULTILINE)}
    # The small run re-validates nothing and has no model that a person asks outside.
    elsewhere = {"revalidate_tasks", "revalidate_all", "write_batch"}
    assert rules - elsewhere == set(disks.RULES)
    assert set(damage.CONSUMERS) == set(disks.RULES)


def test_every_file_gets_other_times(place):
    before = (place.results / "a/x").stat().st_mtime
    clocks.move(place.folder, -clocks.YEAR_S)
    assert (place.results / "a/x").stat().st_mtime == pytest.approx(before - 365 * 86400)


def test_the_config_names_the_run_that_is_looked_at(repository):
    assert f"run: {places.RUN}\n" in (repository / places.CONFIG).read_text()
    assert Path(places.CONFIG).parent == Path(__file__).parent.relative_to(repository)
