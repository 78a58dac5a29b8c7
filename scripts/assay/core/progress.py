"""Progress of long steps on standard error, one short line at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
EVERY_S = 5.0


def say(text: str) -> None:
    """Write one line to standard error at once."""
    print(text, file=sys.stderr, flush=True)


def track(items: Iterable[T], label: str, every_s: float = EVERY_S) -> Iterator[T]:
    """Yield the items; say how many are done every few seconds, and at the end."""
    total = f"/{len(items)}" if isinstance(items, Sized) else ""
    began = said = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - said >= every_s:
            say(f"{label}: {done}{total} ({now - began:.0f} s)")
            said = now
    say(f"{label}: {done}{total} done ({time.monotonic() - began:.0f} s)")
