"""Rates with their Wilson score interval."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

Z_95 = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution
PLACES = Decimal("0.0001")


def fixed(value: float) -> float:
    """Return a value rounded to four decimals, so that its printed form is the same everywhere.

    Raises ValueError for NaN and infinity.
    """
    if not math.isfinite(value):
        raise ValueError(f"not a finite number: {value}")
    return float(Decimal(repr(value)).quantize(PLACES, rounding=ROUND_HALF_EVEN)) + 0.0


def wilson(passed: float, total: int, z: float = Z_95) -> tuple[float, float] | None:
    """Return the Wilson score interval of a proportion, or None for no trials.

    E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212. Unlike the
    normal approximation it keeps its coverage near 0 and 1 and for small n. A tie counts as half.
    Raises ValueError unless 0 <= passed <= total.
    """
    if not 0 <= passed <= total:
        raise ValueError(f"{passed} of {total} is no proportion")
    if total == 0:
        return None
    share = passed / total
    denominator = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / denominator
    spread = z / denominator * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    low = 0.0 if passed == 0 else max(0.0, centre - spread)
    high = 1.0 if passed == total else min(1.0, centre + spread)
    return fixed(low), fixed(high)


def rate(passed: int, total: int) -> dict[str, Any]:
    """Return {"passed", "total", "rate", "interval"}; rate and interval are null for no trials."""
    interval = wilson(passed, total)
    return {
        "passed": passed,
        "total": total,
        "rate": fixed(passed / total) if total else None,
        "interval": list(interval) if interval else None,
    }
