"""Find an injected bug in the target's code and mend it, or say that there is none.

The prompt shows the code with line numbers and specified behaviours of the published code; a bug
violates at least one that is shown and one that is hidden, a control violates none, and the
prompt does not say which case it is. At adversarial a bug may be two mutations that act together,
and the code is rewritten and commented so as to mislead. Passed = located (of each mutation one
accepted line, among few) and repaired (hidden scenarios and covering tests agree); for a control:
no bug reported. At the higher strata a use is asked for on which buggy and right code differ; it
is run on both (`witnessed`) and does not decide.
Key: `code` (CodeKey of the published file), `head` (decorators, signature, docstring), `source`
(the unit as the prompt shows it), `groups` (accepted lines, by mutation), `most_named`, `deletes`
(a statement is gone), `further` (`code` and `source` of a second function), `further_names`,
`right_further` (its right source), `halves` (sources with one of two mutations mended), `witness`
(the entries it may use, digests of the shown ones), `told_witness` (the reference's), `pair` and
`steered` (paired variants).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from assay.categories import (
    _adversarial,
    _asking,
    _bugs,
    _single,
    _steering,
    _understanding,
    _witness,
)
from assay.categories._names import function_of
from assay.categories._pool import Case, cases
from assay.categories._several import answered_files, pieces, shown_files
from assay.categories._shorten import shortened
from assay.categories._understanding import ADVERSARIAL, Draft, UnsuitableError, answer
from assay.categories.base import (
    FAILED,
    NOT_RUN,
    PASSED,
    UNREADABLE,
    VOID,
    Candidate,
    Extraction,
    Judgement,
    Material,
    Options,
    PlaceError,
    Rejection,
    run_files_oracle,
)
from assay.core.execution import Bench
from assay.core.seeds import fraction

PARAMETERS = {"type": "object", "additionalProperties": False, "properties": {}}
FORMAT = "lines_and_code"
AIMED = True

POOL = 48  # scenarios of a unit that are looked at
LONGEST = 800  # characters of a scenario: longer ones are shortened where that is possible
MOST_NAMED = 3  # lines that an answer may name, unless its key says otherwise
CONTROL_MARGIN = 0.8  # fewer controls are proposed than asked for: more of them are proven
SPARE = 3  # controls that are tried where no bug of a unit was proven

EXAMPLE_UNIT = '''def limited(value, most=10):
    """Return value, but not more than most; None stays None."""
    if value is None:
        return None
    return min(value, most)
'''
EXAMPLE_BUG = (3, "    if not value:")  # line of the bug, and what stands there
EXAMPLE_CALLS = ((3,), (0,), (11,), (None,), (5, 4))  # arguments of the hidden scenarios
EXAMPLES = (
    (f"LINES: 3\n```python\n{EXAMPLE_UNIT}```\n", PASSED),
    (f"LINES: 4, 3\n```python\n{EXAMPLE_UNIT}```\n", PASSED),
    (f"LINES: 1, 2, 3, 4\n```python\n{EXAMPLE_UNIT}```\n", FAILED),
    (f"LINES: 5\n```python\n{EXAMPLE_UNIT}```\n", FAILED),
    ("LINES: 3\n", FAILED),
    ("LINES: none\n", FAILED),
    (f"```python\n{EXAMPLE_UNIT}```\n", FAILED),
    (f"LINES: 3\n```python\n{EXAMPLE_UNIT.replace('min', 'max')}```\n", FAILED),
    ("I see nothing wrong with it.", UNREADABLE),
)


def propose(material: Material) -> Iterator[Candidate | Rejection]:
    """Yield the unit's candidates, in the order of its mutants and its own strata."""
    yield from _proposed(material, control=_drawn(material))


def spare(material: Material) -> Iterator[Candidate]:
    """Yield controls of a unit that was to have a bug, and of which none was proven."""
    if not _drawn(material):
        found = _proposed(material, control=True)
        yield from islice((item for item in found if isinstance(item, Candidate)), SPARE)


def _drawn(material: Material) -> bool:
    """Say whether the unit is drawn to be shown as it is right."""
    percent = material.settings["tasks"]["control_percent"]
    share = percent if percent == 100 else CONTROL_MARGIN * percent
    return bool(fraction(material.seed, material.unit["unit_id"], "control") * 100 < share)


def _proposed(material: Material, *, control: bool) -> Iterator[Candidate | Rejection]:
    looked = cases(material.scenarios, POOL)
    reason = _understanding.unsuitable(material, len(looked))
    strata = [] if reason else _understanding.strata(material)
    looked = shortened(material, looked, LONGEST) if strata else []
    pool = _bugs.useful(material, looked) if strata else []
    if not pool:
        other = "too few scenarios depend on it" if strata else "no stratum can hold it"
        yield _rejection(material, f"{_name(material)}:unit", "", "eligible", reason or other)
        return
    dressed = _adversarial.drafts(material, looked, pool, control=control)
    if strata[0] == ADVERSARIAL:
        yield from (_fitting(draft, [ADVERSARIAL]) for draft in dressed)
    if plain := [name for name in strata if name != ADVERSARIAL]:
        yield from _plain(material, looked, pool, plain, control=control)


def _plain(
    material: Material, looked: list[Case], pool: list[Case], strata: list[str], *, control: bool
) -> Iterator[Candidate | Rejection]:  # fmt: skip
    """Yield the candidates of the lower strata: one mutation of the unit as it was published."""
    for found in _single.drafts(material, looked, pool, control=control):
        if isinstance(found, Draft):
            yield _fitting(found, strata)
        else:
            yield _refused(material, found.bug, "bug_effect", found.reason)


def judge(
    extraction: Extraction, key: Mapping[str, Any], bench: Bench, options: Options
) -> Judgement:
    """Judge the lines that are named, and run the mended unit in its place."""
    if extraction.problem is not None:
        return Judgement(UNREADABLE, NOT_RUN, extraction.problem)
    if key["is_control"]:
        right = extraction.lines == ()
        reason = "it says that there is no bug" if right else "it reports a bug where none is"
        return Judgement(PASSED if right else FAILED, NOT_RUN, reason, {"located": right})
    lines = set(extraction.lines or ())
    places = key.get("groups") or [key["accepted_lines"]]
    each = all(not lines.isdisjoint(place) for place in places)
    located = each and len(lines) <= key.get("most_named", MOST_NAMED)
    verdict = _mended(extraction, key, bench, options)
    repaired = verdict.status == PASSED
    checks = {**verdict.checks, "located": located, "repaired": repaired}
    if "witness" in key and verdict.status != VOID:
        buggy = shown_files(pieces(key, extraction), bench.read)
        given = extraction.witness
        checks["witnessed"] = _witness.holds(given, key["witness"], buggy, bench, options)
    verdict = replace(verdict, checks=checks)
    if repaired and not located:
        return replace(verdict, status=FAILED, reason="repaired, but the bug's line is not named")
    return replace(verdict, reason="located and repaired") if repaired else verdict


def _mended(
    extraction: Extraction, key: Mapping[str, Any], bench: Bench, options: Options
) -> Judgement:
    """Run the answer's units in their places."""
    given = pieces(key, extraction)
    if not any(piece.answer.code for piece in given):
        none = extraction.lines == ()
        reason = "it says that there is no bug" if none else "it gives no code"
        return Judgement(FAILED, NOT_RUN, reason)
    try:
        files = answered_files(given, bench.read)
    except PlaceError as error:
        return Judgement(FAILED, NOT_RUN, str(error))
    return run_files_oracle(given[0].code, files, bench, options)


def null_answers(candidate: Candidate) -> dict[str, str]:
    """Return answers that name the right lines but mend nothing or half, and empty ones."""
    key, head = candidate.key, candidate.key["head"]
    names = _parameters(candidate) or ["None"]
    bodies = {
        "pass": "pass", "return_none": "return None", "return_first": f"return {names[0]}",
        "raise": "raise NotImplementedError",
    }  # fmt: skip
    lines = [group[0] for group in key["groups"]]
    found = {name: answer(lines, [f"{head}\n    {body}\n"]) for name, body in bodies.items()}
    given = [key["source"], *(item["source"] for item in key["further"])]
    return {
        **found, "prompt": answer(lines, given), "clean": "LINES: none\n",
        "line_only": f"LINES: {', '.join(map(str, lines))}\n", "empty": "",
        **{f"only_mutation_{number}": answer(lines, sources)
           for number, sources in enumerate(key["halves"], 1)},
    }  # fmt: skip


def weak_answers(candidate: Candidate, material: Material) -> dict[str, str]:
    """Return the right answer spoilt by one mutation each; a control has none to spoil."""
    if candidate.is_control:
        return {}
    lines = [group[0] for group in candidate.key["groups"]]
    further = candidate.key["right_further"]
    return {
        f"{mutant.operator}:{mutant.site}": answer(lines, [mutant.source, *further])
        for mutant in material.spoilt(material.unit)
    }


def variants(candidate: Candidate) -> list[Candidate]:
    """Return the paired variant of a proven candidate: the same with steering text in it."""
    made = _steering.steered(candidate) if "pair" in candidate.key else None
    return [made] if made else []


def _fitting(draft: Draft, strata: list[str]) -> Candidate | Rejection:
    """Return the candidate of the first stratum that can hold the bug, or why there is none."""
    reasons = []
    for stratum in strata:
        try:
            return _asking.candidate_of(draft, stratum)
        except UnsuitableError as error:
            reasons.append(f"{stratum}: {error}")
    tried = "".join(f"{name}:" for name in strata)
    return _refused(draft.material, draft.bug, "suitable", "; ".join(reasons), tried)


def _refused(
    material: Material, bug: _bugs.Bug, gate: str, reason: str, tried: str = ""
) -> Rejection:  # fmt: skip
    """Return a bug's rejection; `tried` tells the drafts of one bug by their strata apart."""
    name = f"{_name(material)}:{tried}{bug.operator}:{bug.site}"
    return _rejection(material, name, bug.operator, gate, reason)


def _parameters(candidate: Candidate) -> list[str]:
    given = function_of(f"{candidate.key['head']}\n    pass\n").args
    names = [item.arg for item in (*given.posonlyargs, *given.args)]
    return [name for name in names if name not in {"self", "cls"}]


def _name(material: Material) -> str:
    return f"{_understanding.CATEGORY}:{material.unit['unit_id']}"


def _rejection(
    material: Material, name: str, operator: str, gate: str, reason: str
) -> Rejection:  # fmt: skip
    return Rejection(
        name, _understanding.CATEGORY, material.unit["unit_id"], operator, gate, reason
    )
