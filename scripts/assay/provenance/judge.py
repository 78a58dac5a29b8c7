"""A verdict on each step of a published run: GOOD, BAD or SKIPPED, with why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.files import canonical_json, sha256_file
from assay.images.names import read_lock, receipt_of
from assay.provenance.answers import compare_answers
from assay.provenance.compare import difference
from assay.provenance.depths import OPTIONAL, STEPS, Plan, by_step
from assay.provenance.publication import Publication, faults, gaps
from assay.provenance.workplace import complaint, fingerprint, margins

GOOD, BAD, SKIPPED = "GOOD", "BAD", "SKIPPED"
OTHER_ENGINE = (
    "another engine or machine answered here; `DEPTH=rescore` judges the published answers"
)


@dataclass(frozen=True)
class Verdict:
    """What became of a step (or of one file of it), why, and every difference that was found."""

    step: str
    status: str
    why: str
    details: list[str] = field(default_factory=list)


def printed(verdicts: Iterable[Verdict], most: int) -> Iterator[str]:
    """Yield the lines that a person reads, at most `most` differences of a step.

    What stands in a published table is shown without control characters: it must not be able to
    write a line of its own.
    """
    for verdict in verdicts:
        yield _plain(f"{verdict.status:<8} {verdict.step:<18} {verdict.why}")
        yield from (_plain(f"{'':<8}   {line}") for line in verdict.details[:most])
        if len(verdict.details) > most:
            yield f"{'':<8}   and {len(verdict.details) - most} more"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def judge_publication(publication: Publication) -> Verdict:
    """Return whether the files are those that index and manifest promise, and none is dropped."""
    found = [*faults(publication), *gaps(publication)]
    if found:
        return Verdict("publication", BAD, "its files are not what its manifest says", found)
    held = sum(publication.file(path) is not None for path in publication.entries)
    count = len(publication.entries)
    return Verdict("publication", GOOD, f"{held} of the manifest's {count} files are in it")


def judge_images(publication: Publication, repository: Path) -> Verdict:
    """Compare the published images, and their recipes, with what this checkout's locks make."""
    wrong = []
    for name, receipt in sorted(publication.manifest["inputs"].get("images", {}).items()):
        try:
            ours = receipt_of(read_lock(repository, name.rpartition("-")[0]))
        except UserError as error:
            wrong.append(f"image {name}: {error.what} in this checkout")
            continue
        for key in sorted({*ours, *receipt}):
            was, now = receipt.get(key), ours.get(key)
            if canonical_json(was) != canonical_json(now):
                wrong.append(
                    f"image {name}, {key}: published {was}, this checkout's lock has {now}"
                )
                break
    recipes = publication.folder / "recipes" if publication.folder else None
    for path in sorted(recipes.rglob("*")) if recipes else []:
        here = repository / path.relative_to(recipes) if recipes else path
        if path.is_file() and (not here.is_file() or difference(path, here)):
            wrong.append(f"recipe {here.relative_to(repository)}: not the one of this checkout")
    count = len(publication.manifest["inputs"].get("images", {}))
    if wrong or not count:
        return Verdict("build_image", BAD, "not the images of this checkout", wrong)
    return Verdict("build_image", GOOD, f"{count} images are those that this checkout's locks make")


class Judge:
    """Judges every step of a publication against the files that were made in a work folder."""

    def __init__(self, publication: Publication, plan: Plan, work: Path, said: str) -> None:
        self.publication, self.plan, self.work, self.said = publication, plan, work, said
        self.root = work / "results" / publication.run
        self.elsewhere: set[str] = set()  # models that another engine answered for
        self.unfinished: list[str] = []

    def steps(self) -> Iterator[Verdict]:
        """Yield a verdict on each step, in the order of the data."""
        listed = by_step(self.publication.entries)
        lacking = [rule for rule in STEPS if rule not in (*listed, *OPTIONAL)]
        for rule in [*listed, *lacking]:
            if rule == "build_image":
                yield judge_images(self.publication, self.work)
            elif rule not in listed:
                yield Verdict(rule, BAD, "the manifest lists none of its files")
            elif rule in self.plan.why:
                yield Verdict(rule, SKIPPED, self.plan.why[rule])
            else:
                yield self._step(rule, listed[rule])

    def _step(self, rule: str, paths: list[str]) -> Verdict:
        found = [self._file(rule, path) for path in paths]
        for status in (BAD, SKIPPED):
            some = [one for one in found if one.status == status]
            if some:
                why = f"{len(some)} of {len(found)} files: {some[0].why}"
                return Verdict(rule, status, why, [line for one in some for line in one.details])
        return Verdict(rule, GOOD, f"{len(found)} files made again, equal bytes")

    def _file(self, rule: str, path: str) -> Verdict:
        if path in self.plan.apart:
            return Verdict(rule, SKIPPED, self.plan.apart[path])
        ours, entry = self.root / path, self.publication.entries[path]
        if not ours.is_file():
            return self._missing(rule, path)
        if sha256_file(ours) == entry["sha256"]:
            return Verdict(rule, GOOD, "equal")
        if rule == "run_model":
            return self._answers(rule, path, ours)
        model = path.split("/")[1]
        if model in self.elsewhere or (rule == "summarise_scores" and self.elsewhere):
            return Verdict(rule, SKIPPED, OTHER_ENGINE)
        return Verdict(
            rule, BAD, "not the published bytes", [f"{path}: {self._words(path, entry)}"]
        )

    def _words(self, path: str, entry: Mapping[str, Any]) -> str:
        theirs, ours = self.publication.file(path), self.root / path
        found = difference(theirs, ours) if theirs else None
        return found or f"sha256 {entry['sha256'][:12]}… published, {sha256_file(ours)[:12]}… here"

    def _missing(self, rule: str, path: str) -> Verdict:
        said = complaint(self.work, self.publication.run, path)
        if not said and self.unfinished:
            return Verdict(rule, SKIPPED, f"not reached: {self.unfinished[0]} did not finish")
        self.unfinished.append(rule)
        words = said or " ".join(self.said.split())[-400:] or "no step makes it"
        return Verdict(rule, BAD, "it did not finish", [f"{path}: {words}"])

    def _answers(self, rule: str, path: str, ours: Path) -> Verdict:
        model, theirs = path.split("/")[1], self.publication.file(path)
        if theirs is None:
            why = "other bytes; a manifest has no answers and no fingerprint to tell why"
            return Verdict(rule, BAD, why, [f"{path}: {why}"])
        engines = (
            self.publication.fingerprint(model),
            fingerprint(self.work, self.publication.run, model),
        )
        near = margins(self.work, self.publication.run, model)
        again = compare_answers(theirs, ours, engines, near)
        lines = [f"{model}: {line}" for line in again.details]
        lines.insert(0, f"{model}: {again.equal} of {again.total} answers are equal")
        if again.same_engine is False:
            self.elsewhere.add(model)
            return Verdict(rule, SKIPPED, f"{OTHER_ENGINE} ({model})", lines)
        return Verdict(rule, BAD, "the same engine gave other answers", lines)
