"""Percentiles by nearest rank, as MLPerf's single-stream scenario reports latency."""

from __future__ import annotations

from collections.abc import Sequence


def nearest_rank(values: Sequence[int], percent: int) -> int | None:
    """Return the smallest value that at least `percent` % of the values do not exceed.

    None for no values; raises ValueError unless 0 < percent <= 100.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"{percent} is no percentile")
    if not values:
        return None
    rank = -(-percent * len(values) // 100)
    return sorted(values)[rank - 1]


def percentiles(values: Sequence[int]) -> dict[str, int | None]:
    """Return p50, p90 and p99."""
    return {f"p{percent}": nearest_rank(values, percent) for percent in (50, 90, 99)}
