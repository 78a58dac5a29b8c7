"""What each step of a run took, as Snakemake measured it (`make run` prints it at its end).

A job's peak is the memory that its processes held at once (resident set, sampled), the container's
and the sandboxes' among them. Its processor time is not shown: Snakemake sees none of the sandboxes
that have ended. A step that was not run again keeps what its last run took.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

STEPS = (
    "build_image", "fetch_source", "fetch_model", "extract_units", "record_behaviour",
    "synthesise_tasks", "select_tasks", "inspect_api", "index_api", "write_batch", "run_model",
    "score_answers", "check_names", "summarise_scores", "render_report", "pack_manifest",
    "revalidate_tasks",
)  # fmt: skip
Job = tuple[float, float]


def measured(folder: Path) -> dict[str, dict[str, Job]]:
    """Return step -> job -> (wall seconds, peak MiB) of a run's telemetry.

    A file without figures (a job that ended before Snakemake looked at it) has 0 for them.
    """
    found: dict[str, dict[str, Job]] = defaultdict(dict)
    for path in sorted((folder / "steps").rglob("*.tsv")):
        step, *job = path.relative_to(folder / "steps").with_suffix("").parts
        with path.open(encoding="utf-8") as handle:
            for row in csv.DictReader(handle, delimiter="\t"):
                found[step]["/".join(job)] = (
                    _number(row["s"]), _number(row["max_rss"])
                )  # fmt: skip
    order = {step: place for place, step in enumerate(STEPS)}
    return {
        step: found[step] for step in sorted(found, key=lambda name: order.get(name, len(order)))
    }


def _number(text: str) -> float:
    """Return a figure; Snakemake writes "NA" or "-" where it has none."""
    return 0.0 if text in ("NA", "-", "") else float(text)


def lines(folder: Path) -> list[str]:
    """Return the table: a line a step, and one for each of several jobs that took ten seconds."""
    rows = []
    for step, jobs in measured(folder).items():
        total = (
            sum(job[0] for job in jobs.values()),
            max(job[1] for job in jobs.values()),
        )
        rows.append(_row(step, str(len(jobs)), total))
        if len(jobs) > 1:
            rows += [_row(f"  {name}", "", job) for name, job in jobs.items() if job[0] >= 10]
    width = max((len(row[0]) for row in rows), default=0)
    head = ("step", "jobs", "wall s", "peak MiB")
    return [
        f"{name:<{width}}  {jobs:>4}  {wall:>8}  {peak:>8}"
        for name, jobs, wall, peak in (head, *rows)
    ]


def _row(name: str, jobs: str, job: Job) -> tuple[str, str, str, str]:
    return (name, jobs, f"{job[0]:.1f}", f"{job[1]:.0f}")


if __name__ == "__main__":
    print("\n".join(lines(Path(sys.argv[1]))))
