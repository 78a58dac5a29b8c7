"""Time as a promise: an input may take so much processor time for its size, and no more."""

from __future__ import annotations

import time
from collections.abc import Callable

from fuzzing.broken import BrokenError

BASE_S = 1.0
PER_BYTE_S = 1e-4


def bounded(target: Callable[[bytes], None], slower: float = 1.0) -> Callable[[bytes], float]:
    """Return a target that gives its processor seconds, and breaks if they are too many.

    slower: how much slower the code runs than it does without instrumentation
    """

    def run(data: bytes) -> float:
        began = time.process_time()
        target(data)
        took = time.process_time() - began
        if took > slower * (BASE_S + PER_BYTE_S * len(data)):
            raise BrokenError(f"too slow for {len(data)} bytes")
        return took

    return run
