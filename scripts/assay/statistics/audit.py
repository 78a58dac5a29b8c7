"""Figures of a detector: balanced accuracy, precision, recall, localisation."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from assay.statistics.intervals import fixed


def balanced_accuracy(
    right_pos: int, positives: int, right_neg: int, negatives: int
) -> float | None:
    """Return the mean of sensitivity and specificity; None unless both classes occur."""
    if not positives or not negatives:
        return None
    return fixed(float((Fraction(right_pos, positives) + Fraction(right_neg, negatives)) / 2))


def share(part: int, whole: int) -> float | None:
    """Return part / whole, or None for an empty whole."""
    return fixed(part / whole) if whole else None


@dataclass(frozen=True)
class Detections:
    """What a detector said of the tasks.

    detected: vulnerable tasks that were reported as vulnerable, of `positives`
    located:  detected tasks with an accepted line
    cleared:  clean tasks that were reported as clean, of `negatives`
    accused:  clean tasks that were reported as vulnerable (an unreadable answer is neither)
    """

    positives: int
    detected: int
    located: int
    negatives: int
    cleared: int
    accused: int


def detector(seen: Detections) -> dict[str, Any]:
    """Return a detector's figures; null where a figure has no denominator."""
    return {
        "positives": seen.positives,
        "negatives": seen.negatives,
        "balanced_accuracy": balanced_accuracy(
            seen.detected, seen.positives, seen.cleared, seen.negatives
        ),
        "precision": share(seen.detected, seen.detected + seen.accused),
        "recall": share(seen.detected, seen.positives),
        "localisation": share(seen.located, seen.detected),
    }
