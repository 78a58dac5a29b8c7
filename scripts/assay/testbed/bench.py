"""The bench: carries out jobs over one target's tree, in the sandbox (`core.execution.Bench`).

Jobs of one call that share a hash seed share a sandbox, so candidates that must not meet are
passed in calls of their own. If a sandbox dies, the job that it died in gets the outcome and the
jobs after it run in a new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.core.errors import HarnessError
from assay.core.execution import CRASHED, RAN, Job, JobResult, Limits
from assay.sandbox import level
from assay.testbed import exposing, kept, reports, warm
from assay.testbed.session import Extras, Session, request_of

__all__ = ["Extras", "SandboxBench", "open_bench"]


def open_bench(
    tree: Path, target: Mapping[str, Any], root: Path = Path("/"), limits: Limits | None = None,
    *, layers: Sequence[str] = level.DEFAULT,
) -> SandboxBench:  # fmt: skip
    """Return a bench over a target's unpacked tree.

    tree:    folder of the unchanged tree; it is only read
    target:  the target's settings: tests, preload, source_roots, entry_points
    root:    root file system of the sandbox, with /usr/bin/python3 and /opt/testbed
    limits:  bounds of the sandbox as a whole (jobs carry their own for time and output)
    layers:  layers of the sandbox that must work (`sandbox.level.LAYERS`)
    Raises UserError where one is missing, or where `root` can't run the target.
    """
    session = Session(tree, target, root, limits or Limits())
    return SandboxBench(session, level.require(layers, root))


class SandboxBench:
    """Runs jobs in the sandbox; see `core.execution.Bench`.

    workers: sandboxes at the same time; of no effect on results
    keeps:   sandboxes are kept for later calls: for code of our own making alone (`kept`)
    """

    workers: int = 1
    keeps: bool = False

    def __init__(self, session: Session, reached: Mapping[str, bool]) -> None:
        self.session, self.level = session, reached
        self.warm, self.kept = warm.WarmPool(session), kept.KeptPool(session)
        self.lax: dict[str, bool] = {}  # test -> whether its own comparisons meet what equals all

    def read(self, path: str) -> str:
        """Return the text of a file of the unchanged tree, line ends as they are."""
        return (self.session.tree / path).read_bytes().decode("utf-8")

    def run(self, jobs: Sequence[Job]) -> list[JobResult]:
        """Run the jobs, each in a fresh process; results come in the order of the jobs."""
        reports = self.run_with(jobs, Extras())
        return [self._proven(job, report.result) for job, report in zip(jobs, reports, strict=True)]

    def _proven(self, job: Job, claimed: JobResult) -> JobResult:
        """Return a result; where it claims that all tests passed, only if they can fail as well."""
        if warm.can_be(job) or not exposing.needed(job, claimed):
            return claimed
        return exposing.judged(job, claimed, self.exposed(job))

    def exposed(self, job: Job) -> JobResult:
        """Run a job's tests with each of them made to fail: what still passes proves nothing.

        A test in which even the unchanged tree compares something that equals nearly all (as
        `unittest.mock.ANY` does) is made to fail whatever its comparisons meet.
        """
        found = self._failing(job)
        passing = [name for name in job.tests if found.tests.get(name) == "passed"]
        lax = self._lax(job, passing) if job.files else passing
        if not lax or found.outcome != RAN:
            return found
        strict = self._failing(replace(job, tests=lax), compared=False)
        return replace(strict, tests={**found.tests, **strict.tests})

    def _lax(self, job: Job, tests: Sequence[str]) -> list[str]:
        """Return the tests whose comparisons meet such a thing on the unchanged tree too."""
        asked = [name for name in tests if name not in self.lax]
        if asked:
            found = self._failing(replace(job, files={}, tests=asked))
            self.lax |= {name: found.tests.get(name) == "passed" for name in asked}
        return [name for name in tests if self.lax[name]]

    def _failing(self, job: Job, *, compared: bool = True) -> JobResult:
        again = replace(job, scenarios=(), probes=(), stop_at_first_failure=False)
        own = self.session
        files = exposing.planted(own.tree, job, own.test_folders, compared=compared)
        again = replace(again, files={k: v for k, v in job.files.items() if k not in files})
        if self.keeps and (texts := _texts(files)) is not None:  # our own code looks for no trap
            again = replace(again, files={**again.files, **texts})
            return self.run_with([again], Extras())[0].result
        with own.planted(files) as session:
            return SandboxBench(session, self.level).run_with([again], Extras())[0].result

    def run_with(self, jobs: Sequence[Job], extras: Extras) -> list[reports.Report]:
        """Run the jobs with extras (tracing, recording) and return their full reports."""
        batches = _batches(jobs, self.workers)
        found: dict[int, reports.Report] = {}
        with ThreadPoolExecutor(max(1, self.workers)) as pool:
            for part in pool.map(lambda batch: self._batch(jobs, batch, extras), batches):
                found.update(part)
        return [found[index] for index in range(len(jobs))]

    def _batch(
        self, jobs: Sequence[Job], batch: list[int], extras: Extras
    ) -> dict[int, reports.Report]:
        found: dict[int, reports.Report] = {}
        if warm.can_be(jobs[batch[0]], extras):
            served = self.warm.run([jobs[index] for index in batch], lines_of=extras.lines_of)
            found = {index: seen for index, seen in zip(batch, served, strict=True) if seen}
            found |= self._in_series(jobs, [index for index in batch if index not in found])
        waiting = [index for index in batch if index not in found]
        while waiting:
            done = self._cold([jobs[index] for index in waiting], extras)
            found.update(zip(waiting, done, strict=False))
            waiting = waiting[len(done) :]
        return found

    def _in_series(
        self, jobs: Sequence[Job], waiting: Sequence[int]
    ) -> dict[int, reports.Report]:  # fmt: skip
        """Run scenarios that no warm server takes in one process over an import of their own.

        Where that process crashes, each is left to a process of its own.
        """
        chosen = [jobs[index] for index in waiting]
        if not (self.keeps and chosen and chosen[0].scenarios):
            return {}
        done = self.kept.run(request_of(chosen, self.session, Extras(), series=True), chosen)
        pairs = zip(waiting, done, strict=bool(done))
        return {index: seen for index, seen in pairs if seen.result.outcome != CRASHED}

    def _cold(self, jobs: Sequence[Job], extras: Extras) -> list[reports.Report]:
        """Run jobs in one sandbox, to the end or up to the one that it died in."""
        request = request_of(jobs, self.session, extras)
        if self.keeps and (done := self.kept.run(request, jobs)):
            return done
        outcome = self.session.start(request, jobs)
        done = reports.read(outcome, jobs)
        if not done:
            raise HarnessError(f"the sandbox did not start: {outcome.detail}")
        return done


def _texts(files: Mapping[str, bytes]) -> dict[str, str] | None:
    """Return files as a job holds them, or None where one is no UTF-8."""
    try:
        return {path: data.decode("utf-8") for path, data in files.items()}
    except UnicodeDecodeError:
        return None


def _batches(jobs: Sequence[Job], workers: int) -> list[list[int]]:
    """Group by hash seed, whether tests are shown, and warmth; split large groups."""
    groups: dict[tuple[int, bool, bool], list[int]] = {}
    for index, job in enumerate(jobs):
        key = (job.hash_seed, bool(job.tests), warm.can_be(job))
        groups.setdefault(key, []).append(index)
    batches = []
    for group in groups.values():
        parts = max(1, min(workers, len(group) // 4))
        batches += [group[part::parts] for part in range(parts)]
    return batches
