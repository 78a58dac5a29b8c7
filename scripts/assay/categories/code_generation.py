"""Write the body of one function or method again, from its head, its surroundings and examples.

Half of the tasks are counterfactual: the right answer is a variant of the published code whose
changed rule is stated in words and shown in the examples, and the published body must fail, so
that recital from memory is wrong. Only the body of an answer is taken: decorators, signature and
docstring stay as they are in the file. Passed = hidden scenarios and covering tests agree, and
the constraints are kept. An adversarial task changes two rules at once, and an answer that follows
only one of them must fail. Key: `code` (CodeKey), `head`, `imports`, `original` (the published
body's answer on counterfactual tasks, else null), `halves` (answers that follow one of two rules).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from assay.categories import _constraints, _variants
from assay.categories._context import collaborators
from assay.categories._generation import Draft, answer, candidate_id, candidate_of
from assay.categories._generation_dials import (
    CHARACTERS_PER_TOKEN,
    SHORT_ANSWER,
    SHOWN_CHARACTERS,
    longest_prompt,
    stratum_of,
    unsuitable,
)
from assay.categories._names import function_of
from assay.categories._pool import Case, cases, judged, published, split, undecided, untellable
from assay.categories.base import (
    FAILED,
    NOT_RUN,
    PASSED,
    UNREADABLE,
    Candidate,
    Extraction,
    Judgement,
    Material,
    Mutation,
    Options,
    PlaceError,
    Rejection,
    code_key,
    place,
    run_code_oracle,
)
from assay.core.execution import Bench, JobResult
from assay.core.seeds import fraction

PARAMETERS = {"type": "object", "additionalProperties": False, "properties": {}}
FORMAT = "code"
AIMED = True

POOL = 120  # scenarios of a unit that are looked at
TRIED = 16  # variants of a unit that are run in search of a counterfactual
KEPT = 2  # counterfactual candidates of a unit, at most
COUNTERFACTUAL_MARGIN = 2  # so many times more are proposed than drawn: few can be proven
PAIRS = 3  # pairs of changed rules that are tried for an adversarial task

EXAMPLE_UNIT = '''def limited(value, most=10):
    """Return value, but not more than most; None stays None."""
    if value is None:
        return None
    return min(value, most)
'''
EXAMPLE_CALLS = ((3,), (11,), (None,), (5, 4))  # arguments of the hidden scenarios
_DEF = "def limited(value, most=10):\n    "
EXAMPLES = (
    (f"```python\n{EXAMPLE_UNIT}```\n", PASSED),
    (f"{_DEF}return value if value is None else min(most, value)", PASSED),
    (f"```python\n{_DEF}return min(value or 0, most)\n```", FAILED),
    (f"```python\n{_DEF}return eval('value and min(value, most)')\n```", FAILED),
    (f"```python\nimport os, no_such\n{_DEF}return os and no_such\n```", FAILED),
    (f"```python\n{_DEF}return min(value,\n```", UNREADABLE),
    ("I don't know.", UNREADABLE),
)


@dataclass(frozen=True)
class Trial:
    """What a unit's scenarios showed: of a stub, of clear variants, and of other mutants."""

    pool: list[Case]
    idle: JobResult
    variants: list[tuple[Mutation, JobResult]]
    others: list[JobResult]

    def judged(self, right: JobResult | None) -> list[Case]:
        """Return the cases where `right` (None: the published code) is the right answer."""
        usual = published(self.pool)
        wrong = [result for _, result in self.variants if result is not right] + self.others
        seen = [result.observations for result in wrong] + ([usual] if right else [])
        expected = right.observations if right else usual
        return judged(self.pool, expected, self.idle.observations, seen)


def propose(material: Material) -> Iterator[Candidate | Rejection]:
    """Yield the unit's candidates: of the drawn kind first, then of the other one."""
    reason = unsuitable(material.unit, len(material.scenarios))
    pool = [] if reason else cases(material.scenarios, POOL)
    if reason or len(pool) < 3:
        reason = reason or "fewer than three different scenarios"
        yield _rejection(material, None, "eligible", reason)
        return
    idle = _variants.observe(material, [_variants.stub(material.unit)], pool)[0]
    reason = untellable(judged(pool, published(pool), idle.observations))
    if reason:
        yield _rejection(material, None, "decidable", reason)
        return
    trial = _tried(material, pool, idle)
    tasks = material.settings["tasks"]
    percent = tasks["counterfactual_percent"]
    share = COUNTERFACTUAL_MARGIN * percent
    drawn = fraction(material.seed, material.unit["unit_id"], "counterfactual") * 100 < share
    makers = [_counterfactual, _original] if drawn else [_original, _counterfactual]
    makers = makers[: 1 if percent in {0, 100} else 2]
    if percent and tasks["strata"].get("adversarial", 0):
        makers = [_doubled, *makers]  # few units have two clear rules: each of them is tried
    for make in makers:
        yield from make(material, trial)


def judge(
    extraction: Extraction, key: Mapping[str, Any], bench: Bench, options: Options
) -> Judgement:
    """Run the answer's body in the unit's place; checks also say what it keeps and uses."""
    if extraction.problem is not None or extraction.code is None:
        return Judgement(UNREADABLE, NOT_RUN, extraction.problem or "the answer has no code")
    code = code_key(key["code"])
    checks = _constraints.checks(extraction, key["head"], key["imports"])
    try:
        text = place(bench.read(code.path) if code.text is None else code.text, code, extraction)
    except PlaceError as error:
        return Judgement(FAILED, NOT_RUN, str(error), checks)
    verdict = run_code_oracle(code, text, bench, options)
    verdict = replace(verdict, checks={**checks, **verdict.checks})
    if verdict.status == PASSED and not checks["constraints_kept"]:
        return replace(verdict, status=FAILED, reason="the answer uses what the prompt forbids")
    return verdict


def null_answers(candidate: Candidate) -> dict[str, str]:
    """Return the answers of somebody who does nothing, and of somebody who recites."""
    head = candidate.key["head"]
    given = function_of(f"{head}\n    pass\n").args
    first = [item.arg for item in (*given.posonlyargs, *given.args)]
    first = [name for name in first if name not in {"self", "cls"}] or ["None"]
    bodies = {
        "pass": "pass", "return_none": "return None", "return_first": f"return {first[0]}",
        "raise": "raise NotImplementedError", "prompt": "...",
    }  # fmt: skip
    answers = {name: f"```python\n{head}\n    {body}\n```\n" for name, body in bodies.items()}
    if candidate.key["original"] is not None:
        answers["original"] = candidate.key["original"]
    answers |= {f"half {turn}": text for turn, text in enumerate(candidate.key["halves"])}
    return {**answers, "empty": ""}


def weak_answers(candidate: Candidate, material: Material) -> dict[str, str]:
    """Return the right answer spoilt by one mutation each, by the mutation's identity."""
    unit, head = material.unit, _variants.head_of(material.unit).text
    return {
        f"{mutant.operator}:{mutant.site}": answer(unit, mutant.source)
        for mutant in material.spoilt({**unit, "source": candidate.key["source"]})
        if mutant.source.startswith(head)
    }


def _tried(material: Material, pool: list[Case], idle: JobResult) -> Trial:
    clear = _variants.clear_mutants(material)[:TRIED]
    known = {variant.source for variant in clear}
    # Hidden scenarios are chosen to tell the right answer from the mutants that gate 5 tries.
    sample = material.mutants(material.unit)[: material.settings["gates"]["oracle_sample"]]
    others = [item.source for item in sample if item.source not in known]
    sources = [*(item.source for item in clear), *others]
    results = _variants.observe(material, sources, pool)
    return Trial(pool, idle, list(zip(clear, results, strict=False)), results[len(clear) :])


def _original(material: Material, trial: Trial) -> Iterator[Candidate | Rejection]:
    yield _drafted(material, None, trial.judged(None), material.tests)


def _counterfactual(material: Material, trial: Trial) -> Iterator[Candidate | Rejection]:
    kept = 0
    for variant, result in trial.variants:
        reason = _variants.unclear(result, trial.pool)
        if reason:
            yield _rejection(material, variant, "clear_variant", reason)
        elif kept < KEPT:
            tests = _variants.passing_tests(material, variant)
            found = _drafted(material, variant, trial.judged(result), tests)
            kept += isinstance(found, Candidate)
            yield found


def _doubled(material: Material, trial: Trial) -> Iterator[Candidate | Rejection]:
    """Yield adversarial candidates: two rules changed at once, each of them needed."""
    clear = [
        (variant, result) for variant, result in trial.variants
        if not _variants.unclear(result, trial.pool)
    ]  # fmt: skip
    for one, other in list(combinations(clear, 2))[:PAIRS]:
        both = _variants.both(material.unit, one[0], other[0])
        if both is None:
            continue
        result = _variants.observe(material, [both.source], trial.pool)[0]
        reason = _variants.unclear(result, trial.pool)
        if reason:
            yield _rejection(material, both, "clear_variant", reason)
            continue
        tests = _variants.passing_tests(material, both)
        halves = (one[0].source, other[0].source)
        yield _drafted(material, both, trial.judged(result), tests, halves)


def _drafted(
    material: Material, variant: Mutation | None, pool: list[Case], tests: tuple[str, ...],
    halves: tuple[str, ...] = (),
) -> Candidate | Rejection:  # fmt: skip
    tasks, unit = material.settings["tasks"], material.unit
    stratum = stratum_of(unit, len(collaborators(unit, material.units)), doubled=bool(halves))
    if stratum is None:
        return _rejection(material, variant, "eligible", "longer or harder than any stratum")
    chosen = split(pool, tasks["shown"], tasks["hidden"], SHOWN_CHARACTERS[stratum])
    reason = undecided(chosen)
    if reason:
        return _rejection(material, variant, "decidable", reason)
    candidate = candidate_of(Draft(material, variant, chosen, tests, stratum, halves))
    most = longest_prompt(material.settings, stratum)
    if len(candidate.prompt) > most:
        return _rejection(material, variant, "prompt_size", f"{len(candidate.prompt)} characters")
    room = max(tasks["max_tokens"] * CHARACTERS_PER_TOKEN, SHORT_ANSWER)
    if len(candidate.reference_answer) > room:
        return _rejection(material, variant, "answer_size", "the right answer is too long")
    return candidate


def _rejection(material: Material, variant: Mutation | None, gate: str, reason: str) -> Rejection:
    unit = material.unit
    operator = variant.operator if variant else ""
    name = candidate_id(unit, variant)
    return Rejection(name, "code_generation", unit["unit_id"], operator, gate, reason)
