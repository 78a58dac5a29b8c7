"""Figures of a detector: balanced accuracy, precision, recall, localisation."""

from __future__ import annotations

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


def detector(
    *, detected: int, positives: int, accused: int, negatives: int, located: int
) -> dict[str, Any]:
    """Return a detector's figures.

    detected: vulnerable tasks that were reported as vulnerable, of `positives`
    accused:  clean tasks that were reported as vulnerable, of `negatives`
    located:  detected tasks with an accepted line
    """
    return {
        "positives": positives,
        "negatives": negatives,
        "balanced_accuracy": balanced_accuracy(detected, positives, negatives - accused, negatives),
        "precision": share(detected, detected + accused),
        "recall": share(detected, positives),
        "localisation": share(located, detected),
    }
