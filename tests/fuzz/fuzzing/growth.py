"""Grows motifs by doubling, and measures whether the time grows more than the length does.

Time is that of the processor, the best of several runs, so that other processes hardly matter. A
motif is quadratic if a doubling, where the time is long enough to be measured, takes four times as
long; a linear one takes twice as long. What lies between (sorting, caches) passes.

`python -m fuzzing.growth` grows each up to the longest answer that is read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from assay.scoring.fences import MAX_CHARS
from fuzzing import answers
from fuzzing.motifs import MOTIFS

SMALLEST = 3_125  # seven doublings below the longest answer
MEASURABLE_S = 0.1  # below, what begins and ends a run outweighs what grows
STEEPEST = 3.2  # of one doubling: 2 is linear, 4 is quadratic
LONGEST_S = 20.0  # for any answer at all
AGAIN = 2


def steepest(
    run: Callable[[str], object], make: Callable[[int], str], longest: int
) -> tuple[float, float]:
    """Return the steepest growth by a doubling, and the seconds that the longest input takes.

    Growth is 0 where nothing takes long enough to be measured.
    """
    size, before, worst, took = SMALLEST, 0.0, 0.0, 0.0
    while size <= longest and took < LONGEST_S:
        text = make(size)[:longest]
        took = best(run, text)
        if before >= MEASURABLE_S:
            worst = max(worst, took / before)
        before, size = took, 2 * size
    return worst, took


def best(run: Callable[[str], object], text: str) -> float:
    """Return the least processor seconds of several runs; of one, where it can't matter."""
    found = _once(run, text)
    if found < MEASURABLE_S:
        return found
    return min(found, *(_once(run, text) for _ in range(AGAIN - 1)))


def _once(run: Callable[[str], object], text: str) -> float:
    began = time.thread_time()
    run(text)
    return time.thread_time() - began


def main() -> int:
    """Grow every motif in every form; return 1 if one grows too steeply."""
    bad, slowest = [], (0.0, "")
    for name, make in MOTIFS.items():
        for form in answers.ORDER:

            def run(text: str, form: str = form) -> None:
                answers.read(text, form)

            worst, took = steepest(run, make, MAX_CHARS)
            if worst > STEEPEST:  # perhaps by a busy machine
                worst = min(worst, steepest(run, make, MAX_CHARS)[0])
            slowest = max(slowest, (took, f"{name}, {form}"))
            print(f"growth: {name}, {form}: {worst:.1f} times, {took:.2f} s", flush=True)
            if worst > STEEPEST or took > LONGEST_S:
                bad.append(f"{name}, {form}: {worst:.1f} times by a doubling, {took:.1f} s")
    count = len(MOTIFS) * len(answers.ORDER)
    print(f"growth: {count} motifs up to {MAX_CHARS} characters, {len(bad)} too steep;",
          f"slowest: {slowest[1]}, {slowest[0]:.2f} s")  # fmt: skip
    for line in bad:
        print(f"growth: too steep: {line}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
