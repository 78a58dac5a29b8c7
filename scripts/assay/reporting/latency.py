"""Speed of a model as MLPerf's single-stream scenario reports it; times in microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from assay.statistics.percentiles import percentiles

Row = Mapping[str, Any]
SECOND = 1_000_000


def speed(responses: Iterable[Row], telemetry: Iterable[Row]) -> dict[str, Any] | None:
    """Return percentiles, totals and tokens a second of one model; None if nothing was timed.

    Time per output token = (latency - TTFT) / (n - 1), of answers with at least two tokens.
    Void responses are left out.
    """
    times = {(row["target"], row["task_id"]): row for row in telemetry}
    pairs = [
        (row, times[row["target"], row["task_id"]]) for row in responses
        if row["void"] is None and (row["target"], row["task_id"]) in times
    ]  # fmt: skip
    pairs = [(row, time) for row, time in pairs if (time["latency_us"] or 0) > 0]
    if not any(row["completion_tokens"] for row, _ in pairs):
        return None
    latencies = [time["latency_us"] for _, time in pairs]
    made = sum(row["completion_tokens"] or 0 for row, _ in pairs)
    read = sum(row["prompt_tokens"] or 0 for row, _ in pairs)
    return {
        "answers": len(pairs),
        "latencies_us": latencies,
        "latency": percentiles(latencies),
        "ttft": percentiles([t["ttft_us"] for _, t in pairs if t["ttft_us"] is not None]),
        "tpot": percentiles([value for pair in pairs if (value := _tpot(*pair)) is not None]),
        "duration_us": sum(latencies),
        "prompt_tokens": read,
        "completion_tokens": made,
        "tokens_a_second": per_second(made, sum(latencies)),
        "decode_a_second": per_second(made, sum(time["decode_us"] or 0 for _, time in pairs)),
        "prompt_a_second": per_second(read, sum(time["prompt_us"] or 0 for _, time in pairs)),
    }


def per_second(count: int, us: int) -> float | None:
    """Return a rate a second, or None for no time."""
    return round(count * SECOND / us, 1) if us > 0 else None


def _tpot(response: Row, times: Row) -> int | None:
    tokens = response["completion_tokens"] or 0
    if tokens < 2 or times["ttft_us"] is None:
        return None
    return int((times["latency_us"] - times["ttft_us"]) // (tokens - 1))
