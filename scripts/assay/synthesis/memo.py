"""A bench that runs no scenario twice over the same text of the target.

Each scenario runs in a fresh process, so what it showed once over the same files, under the same
hash seed and limits, it shows again. Only complete runs are kept, and only of jobs that hold
scenarios alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from assay.core.execution import RAN, Bench, Job, JobResult, Observation
from assay.core.files import canonical_json
from assay.core.seeds import digest


class MemoBench:
    """Wraps a bench for the work on one unit."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.seen: dict[tuple[str, str], Observation] = {}
        self.modules: dict[str, Mapping[str, str]] = {}

    def read(self, path: str) -> str:
        """Return the text of a file of the unchanged tree."""
        return self.bench.read(path)

    def run(self, jobs: Sequence[Job]) -> list[JobResult]:
        """Run what is not known yet; results come in the order of the jobs."""
        contexts = [_context(job) for job in jobs]
        needed = [self._needed(*pair) for pair in zip(jobs, contexts, strict=True)]
        fresh = iter(self.bench.run([job for job in needed if job is not None]))
        found = []
        for job, context, ran in zip(jobs, contexts, needed, strict=True):
            result = next(fresh) if ran is not None else JobResult(RAN)
            found.append(self._complete(job, context, result))
        return found

    def _needed(self, job: Job, context: str) -> Job | None:
        """Return what is left to run of a job, or None."""
        if not context:
            return job
        left = [item for item in job.scenarios if (context, item.scenario_id) not in self.seen]
        return replace(job, scenarios=tuple(left)) if left or context not in self.modules else None

    def _complete(self, job: Job, context: str, result: JobResult) -> JobResult:
        if not context or result.outcome != RAN:
            return result
        self.modules.setdefault(context, result.module_files)
        for name, observation in result.observations.items():
            self.seen[context, name] = observation
        known = {
            item.scenario_id: self.seen[context, item.scenario_id] for item in job.scenarios
            if (context, item.scenario_id) in self.seen
        }  # fmt: skip
        return replace(result, observations=known, module_files=self.modules[context])


def _context(job: Job) -> str:
    """Return what a scenario's observation depends on beside itself; empty if it is not kept."""
    if job.tests or job.probes or not job.scenarios:
        return ""
    return digest(
        canonical_json(dict(job.files)), job.hash_seed, job.warm is False,
        canonical_json(asdict(job.limits)),
    )  # fmt: skip


class WarmBench:
    """A bench for the search of tasks: what does not ask for a fresh import does without one."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def read(self, path: str) -> str:
        """Return the text of a file of the unchanged tree."""
        return self.bench.read(path)

    def run(self, jobs: Sequence[Job]) -> list[JobResult]:
        """Run the jobs, warm unless they say otherwise."""
        return self.bench.run([
            replace(job, warm=True) if job.warm is None else job for job in jobs
        ])  # fmt: skip
