"""Two models on the same tasks: the exact McNemar test."""

from __future__ import annotations

from fractions import Fraction
from math import comb


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of McNemar's test for the discordant pairs.

    Under the null hypothesis each discordant pair falls to either side with probability 1/2; the
    sum is exact, in integers. Q. McNemar, Psychometrika 12 (1947), 153-157.
    """
    pairs = only_first + only_second
    if pairs == 0:
        return 1.0
    tail = sum(comb(pairs, k) for k in range(min(only_first, only_second) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**pairs)))
