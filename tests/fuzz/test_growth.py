"""No answer of 25,000 characters takes long; `make fuzz` grows them to the longest that is read."""

from __future__ import annotations

import pytest

from fuzzing import answers, growth
from fuzzing.motifs import MOTIFS

LENGTH = 25_000
MOST_S = 1.5  # 0.05 s is usual, and what was quadratic took from 3 s on


@pytest.mark.parametrize("name", sorted(MOTIFS))
def test_no_motif_takes_long(name):
    text = MOTIFS[name](LENGTH)
    for form in answers.ORDER:
        assert growth.best(lambda given, form=form: answers.read(given, form), text) < MOST_S


@pytest.mark.parametrize(("power", "steep"), [(1, False), (2, True)])
def test_what_is_quadratic_is_told_from_what_is_linear(power, steep, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(growth.time, "thread_time", lambda: clock[0])

    def run(text: str) -> None:
        clock[0] += 0.2 * (len(text) / 50_000) ** power

    worst, took = growth.steepest(run, lambda length: "a" * length, growth.SMALLEST * 32)
    assert took == pytest.approx(0.2 * 2**power)
    assert worst == pytest.approx(2**power)
    assert (worst > growth.STEEPEST) == steep
