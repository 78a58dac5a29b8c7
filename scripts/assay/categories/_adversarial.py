"""The stratum `adversarial`: interacting bugs, and single ones behind what misleads a reader.

The unit is rewritten first (renamed locals, decoys), which is proven to change nothing: its
scenarios and covering tests show the same. Then it is mutated, and misleading comments are put
in. Bugs and controls are dressed alike, and where a function of another file is involved, both
files are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from assay.categories import (
    _bugs,
    _comments,
    _decoys,
    _excerpt,
    _further,
    _interacting,
    _rename,
)
from assay.categories._code import same_observation
from assay.categories._pool import Case
from assay.categories._types import Material, Row
from assay.categories._understanding import Draft
from assay.core.execution import RAN, Job, Limits, Scenario
from assay.core.seeds import fraction, shuffled
from assay.core.splice import lines_of

INTERACTING_PERCENT = 67  # of the units: interacting bugs are looked for first
FEWEST_DIALS = 2  # transformations of a single bug's task, a second file counted as one
MOST_DECOYS = 2
ROOMY_STATEMENTS = 12  # fewer of them hold one decoy only
SAMPLE = 16  # mutants of the rewritten unit that are run
MOST_DRAFTS = 2

Rewritten = tuple[Material, dict[str, int]]


@dataclass(frozen=True)
class Dressed:
    """A unit as it will be shown, its mutants, and what was done to it.

    facts: "renamed", "decoys" -> how many
    """

    material: Material
    pool: Sequence[Case]
    seen: Sequence[_bugs.Bug]
    facts: dict[str, int] = field(default_factory=dict)


def drafts(
    material: Material, looked: Sequence[Case], pool: Sequence[Case], *, control: bool
) -> Iterator[Draft]:  # fmt: skip
    """Yield the drafts of a unit: interacting bugs first or single ones, by a draw."""
    rewritten, facts = rewrite(material, pool)
    mutants = rewritten.mutants(rewritten.unit)[:SAMPLE]
    dressed = Dressed(rewritten, pool, _bugs.examined(rewritten, mutants, pool), facts)
    extra = _further.killers(rewritten, dressed.seen, looked, pool)
    drawn = fraction(material.seed, material.unit["unit_id"], "interacting") * 100
    first, second = _pairs(dressed), _singles(dressed)
    order = (first, second) if drawn < INTERACTING_PERCENT else (second, first)
    made = 0
    for bug, beside in (item for part in order for item in part):
        tested, reason = _bugs.tested(bug, rewritten)
        draft = None if reason else _draft(dressed, tested, beside, extra, control=control)
        if draft is not None:
            yield draft
            made += 1
        if made == MOST_DRAFTS:
            return


def rewrite(material: Material, pool: Sequence[Case]) -> Rewritten:
    """Return the material of the unit rewritten, with what was done; proven to change nothing.

    What can't be proven is left out, one transformation after the other.
    """
    ids, unit = (material.seed, material.unit["unit_id"]), material.unit
    most = MOST_DECOYS if unit["statements"] >= ROOMY_STATEMENTS else 1
    source, facts = str(unit["source"]), {}
    new, count = _rename.renamed(source, *ids)
    if count and unchanged(material, new, pool):
        source, facts["renamed"] = new, count
    new, count = _decoys.with_decoys(source, most, *ids)
    if count and unchanged(material, new, pool):
        source, facts["decoys"] = new, count
    return replace(material, unit={**unit, "source": source}), facts


def unchanged(material: Material, source: str, pool: Sequence[Case]) -> bool:
    """Say whether a unit's other source does the same on scenarios and covering tests."""
    unit = material.unit
    if len(lines_of(source)) != len(lines_of(unit["source"])):
        return False
    files = _bugs.changed_files(material, [(unit, source)])
    limits = Limits(**material.settings["limits"])
    scenarios = tuple(Scenario(case.scenario_id, case.data) for case in pool)
    jobs = [Job(files, scenarios, limits=limits)]
    jobs += [Job(files, tests=material.tests, limits=limits)] if material.tests else []
    shown, *tested = material.bench.run(jobs)
    same = all(
        same_observation(shown.observations.get(case.scenario_id), case.expected) for case in pool
    )
    passed = all(
        result.outcome == RAN and result.tests.get(name) == "passed"
        for result in tested for name in material.tests
    )  # fmt: skip
    return shown.outcome == RAN and same and passed


def _pairs(dressed: Dressed) -> Iterator[tuple[_bugs.Bug, Row | None]]:
    """Yield interacting bugs, tested alone, with the function that the second mutation is in."""
    material = dressed.material
    others = shuffled(
        _excerpt.related(material), material.seed, material.unit["unit_id"], "others",
        key=lambda row: str(row["unit_id"]),
    )  # fmt: skip
    name = material.unit["qualname"].rpartition(".")[2]
    others = [row for row in others if row["qualname"].rpartition(".")[2] != name]
    for bug in _interacting.search(material, dressed.seen, others, dressed.pool):
        alone = tuple(_bugs.tested(part, material)[0] for part in bug.alone)
        yield replace(bug, alone=alone), bug.faults[-1].unit if len(bug.faults) > 1 else None


def _singles(dressed: Dressed) -> Iterator[tuple[_bugs.Bug, Row | None]]:
    """Yield single bugs, the quietest first, and a function of another file to show, if any."""
    material = dressed.material
    elsewhere = [row for row in _excerpt.related(material) if row["path"] != material.unit["path"]]
    beside = elsewhere[0] if elsewhere else None
    for bug in sorted(dressed.seen, key=lambda bug: len(bug.violated)):
        keeps = _interacting.keeps_lines(bug.mutation, material.unit)
        if keeps and not _bugs.unfit(bug, dressed.pool) and not _bugs.stray(bug, dressed.pool):
            yield bug, beside


def _draft(
    dressed: Dressed, bug: _bugs.Bug, beside: Row | None, extra: Sequence[Case], *, control: bool
) -> Draft | None:  # fmt: skip
    """Return the draft with its comments, or None if a single bug has too little around it."""
    unit = dressed.material.unit
    own = [line for row, lines in bug.located() if row is unit for line in lines]
    first = unit["body_start_line"] - unit["start_line"] + 1
    ids = (dressed.material.seed, unit["unit_id"])
    comments = _comments.chosen(bug.mutation.source, first, own, *ids)
    facts = {**dressed.facts, **({"comments": len(comments)} if comments else {}),
             **({"files": 2} if beside and beside["path"] != unit["path"] else {})}  # fmt: skip
    if len(facts) < FEWEST_DIALS and not bug.alone:
        return None
    parts = {part.mutation.source for part in (bug, *bug.alone)}
    others = [other for other in dressed.seen if other.mutation.source not in parts]
    return Draft(
        dressed.material, bug, others, dressed.pool, extra, control=control, beside=beside,
        comments=comments, facts=facts,
    )  # fmt: skip
