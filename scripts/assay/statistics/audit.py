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

    reported: vulnerable tasks that were reported as vulnerable, of whatever kind, of `positives`
    named:    reported tasks with a right kind among their findings
    located:  reported tasks with a right kind at an accepted line
    cleared:  clean tasks that were reported as clean, of `negatives`
    accused:  clean tasks that were reported as vulnerable (an unreadable answer is neither)
    """

    positives: int
    reported: int
    named: int
    located: int
    negatives: int
    cleared: int
    accused: int


def detector(seen: Detections) -> dict[str, Any]:
    """Return a detector's figures; null where a figure has no denominator.

    Balanced accuracy, precision and recall are of the verdict alone, vulnerable or clean, so that
    a constant one has a balanced accuracy of one half. What a reported weakness is, and where,
    are figures of their own.
    """
    return {
        "positives": seen.positives,
        "negatives": seen.negatives,
        "balanced_accuracy": balanced_accuracy(
            seen.reported, seen.positives, seen.cleared, seen.negatives
        ),
        "precision": share(seen.reported, seen.reported + seen.accused),
        "recall": share(seen.reported, seen.positives),
        "identification": share(seen.named, seen.reported),
        "localisation": share(seen.located, seen.reported),
    }
