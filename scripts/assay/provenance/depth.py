"""`make verify` at a depth: read, check, make again in a fresh folder, judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.provenance.depths import plan
from assay.provenance.judge import BAD, GOOD, SKIPPED, Judge, Verdict, judge_publication
from assay.provenance.publication import Publication, open_publication
from assay.provenance.workplace import make, other_code, run_of, set_up


@dataclass(frozen=True)
class Place:
    """Where and how it is done: this checkout, an empty folder for all files, processor cores."""

    repository: Path
    folder: Path
    cores: int = 1


def verify_at(against: Path, depth: str, place: Place) -> list[Verdict]:
    """Return a verdict on the publication, on the code and on each step.

    Raises UserError for what can't be verified at all, and for a workflow that refuses to start.
    """
    publication = open_publication(against, place.folder)
    planned = plan(publication, depth)
    held = judge_publication(publication)
    if held.status == BAD:
        return [held, Verdict("all steps", SKIPPED, "nothing is made from a damaged publication")]
    work = place.folder / "work"
    set_up(publication, planned, place.repository, work)
    said = make(work, planned, publication.run, place.cores, place.folder / "snakemake.log")
    return [held, _code(publication, work), *Judge(publication, planned, work, said).steps()]


def _code(publication: Publication, work: Path) -> Verdict:
    """Say whether this checkout's code is the published one; other code may give equal bytes."""
    other = other_code(publication, run_of(work))
    if other:
        why = f"this checkout has other code for {', '.join(other)}; what follows is its verdict"
        return Verdict("code", SKIPPED, why)
    return Verdict("code", GOOD, "the code of every step is the published one")


def exit_code(verdicts: list[Verdict]) -> int:
    """Return 1 if any step is bad, or if nothing but the publication itself was found good."""
    checked = [verdict for verdict in verdicts if verdict.step not in {"publication", "code"}]
    any_bad = any(verdict.status == BAD for verdict in verdicts)
    return int(any_bad or not any(verdict.status == GOOD for verdict in checked))
