"""Threads that take turns: one runs Python code, the others wait for their sandboxes.

CPython 3.11 and 3.12 keep the recursion depth of `ast.parse` for the interpreter, not the thread:
two threads that parse at once end in "AST constructor recursion depth mismatch". Work that is
mostly waiting for a bench therefore holds a lock, which is set free while a bench runs jobs.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from assay.core.execution import Bench, Job, JobResult


class TurnBench:
    """A bench that lets go of the lock while it runs; the caller holds it otherwise."""

    def __init__(self, bench: Bench, lock: threading.Lock) -> None:
        self.bench, self.lock = bench, lock

    def run(self, jobs: Sequence[Job]) -> list[JobResult]:
        """Run the jobs without holding the lock."""
        self.lock.release()
        try:
            return self.bench.run(jobs)
        finally:
            self.lock.acquire()

    def read(self, path: str) -> str:
        """Return the text of a file of the unchanged tree."""
        return self.bench.read(path)
