"""The eight gates: a candidate becomes a task only if it passes them all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from assay.categories.base import PASSED, VOID, Candidate, Judgement, Material, Options, Rejection
from assay.core import seeds
from assay.core.errors import HarnessError
from assay.core.execution import Bench, Job, Limits, Scenario
from assay.core.files import canonical_json
from assay.scoring.verdict import judge_answer
from assay.synthesis import blunt
from assay.synthesis.batching import Judge, judged_together
from assay.synthesis.leaks import leak

RIGHT_ANSWER = "right_answer"  # 1: the right answer passes, however tests and hashes are shuffled
NULL_ANSWERS = "null_answers"  # 2: who does nothing, or repeats the prompt, fails
CODE_UNDER_TEST = "code_under_test"  # 3: what runs is the file of the worktree
BUG_EFFECT = "bug_effect"  # 4: a bug shows, and is no wreck (checked as it is proposed)
STRONG_ORACLE = "strong_oracle"  # 5: most mutants of the right answer fail
NO_LEAK = "no_leak"  # 6: the prompt does not hold the key
CLEAR_PLACE = "clear_place"  # 7: the lines to name are few and known
STEADY_TESTS = "steady_tests"  # 8: no test of the key ever wobbled
GATES = (RIGHT_ANSWER, NULL_ANSWERS, CODE_UNDER_TEST, BUG_EFFECT, STRONG_ORACLE, NO_LEAK,
         CLEAR_PLACE, STEADY_TESTS)  # fmt: skip
PLACED = frozenset({"bug", "vulnerable"})  # kinds whose answer names lines
MOST_PLACES = 5
EVIDENCE = {"witnessed": "its witness does not hold", "exploited": "its exploit has no effect"}
FEWEST_MUTANTS = 3  # fewer of them show nothing of an oracle


@dataclass(frozen=True)
class Proven:
    """A candidate that passed, its row of the keys table without task id, and the counts."""

    candidate: Candidate
    killed: int
    sampled: int
    proof: Mapping[str, Any]


@dataclass(frozen=True)
class _Trial:
    """All answers of a candidate that are judged, by name; names begin with their gate's."""

    answers: Mapping[str, tuple[str, Options]]
    row: Mapping[str, Any]
    category: ModuleType

    def judges(self) -> list[Judge]:
        return [self._judge(answer, options) for answer, options in self.answers.values()]

    def _judge(self, answer: str, options: Options) -> Judge:
        def judge(bench: Bench) -> Judgement:
            return judge_answer(answer, self.category, self.row, bench, options)[0]

        return judge


def prove(candidate: Candidate, material: Material, category: ModuleType) -> Proven | Rejection:
    """Return the candidate with its proof, or the rejection by the first gate that drops it.

    Raises HarnessError if the harness itself fails on an answer twice: no gate decides then.
    """
    gate, reason = _at_rest(candidate, material)
    if reason:
        return _rejection(candidate, gate, reason)
    right, weak = _trials(candidate, material, category)
    if len(weak.answers) < FEWEST_MUTANTS and _is_tried(candidate, category):
        return _rejection(
            candidate, STRONG_ORACLE, f"only {len(weak.answers)} mutants to try it on"
        )
    killed = 0
    for trial in (weak, right):
        verdicts = judged_together(trial.judges(), material.bench)
        found = dict(zip(trial.answers, verdicts, strict=True))
        for name, verdict in found.items():
            if verdict.status == VOID:
                raise HarnessError(f"{candidate.candidate_id}: {name}: {verdict.reason}")
        gate, reason = _decided(found, material.settings["gates"]["oracle_percent"])
        if reason:
            return _rejection(candidate, gate, reason)
        if trial is weak:
            killed = sum(verdict.status != PASSED for verdict in verdicts)
    proof = {
        **candidate.proof, "candidate": candidate.candidate_id,
        "right_passed": material.settings["gates"]["repeats"],
        "null_failed": sum(name.startswith(NULL_ANSWERS) for name in right.answers),
        "blunt_mutants": sum(_kind(name) in blunt.KINDS for name in weak.answers),
    }  # fmt: skip
    return Proven(candidate, killed, len(weak.answers), proof)


def key_row(candidate: Candidate, target: str) -> dict[str, Any]:
    """Return the candidate's row of the keys table, as far as a judge reads it."""
    return {
        "target": target, "category": candidate.category, "stratum": candidate.stratum,
        "unit_id": candidate.unit_id, "kind": candidate.kind, "is_control": candidate.is_control,
        "operator": candidate.operator, "accepted_lines": sorted(candidate.accepted_lines),
        "reference_answer": candidate.reference_answer, "key_json": canonical_json(candidate.key),
    }  # fmt: skip


def foreign_code(material: Material) -> str:
    """Return why the code that runs is not the unit's file (gate 3), or an empty text."""
    unit = material.unit
    scenarios = [Scenario(row["scenario_id"], _data(row)) for row in material.scenarios[:1]]
    job = Job({unit["path"]: material.bench.read(unit["path"])}, scenarios, material.tests[:1])
    files = material.bench.run([job])[0].module_files
    if unit["path"] in files.values():
        return ""
    return f"{unit['module']} was imported from {files.get(unit['module'], 'nowhere in the tree')}"


def _data(row: Mapping[str, Any]) -> Mapping[str, Any]:
    data: dict[str, Any] = json.loads(row["scenario_json"])
    return data


def _at_rest(candidate: Candidate, material: Material) -> tuple[str, str]:
    """Check what needs no run."""
    tests = set(candidate.key.get("code", {}).get("tests", ()))
    if tests - set(material.tests):
        return STEADY_TESTS, f"not steady: {min(tests - set(material.tests))}"
    if candidate.kind in PLACED and not 1 <= len(candidate.accepted_lines) <= MOST_PLACES:
        return CLEAR_PLACE, f"{len(candidate.accepted_lines)} lines could be named"
    return NO_LEAK, leak(candidate)


def _trials(
    candidate: Candidate, material: Material, category: ModuleType
) -> tuple[_Trial, _Trial]:  # fmt: skip
    gates, row = material.settings["gates"], key_row(candidate, material.target)
    limits = Limits(**material.settings["limits"])
    plain = Options(limits=limits)
    # The first of the right answers runs in fresh processes: it checks the warm ones as well.
    answers = {
        f"{RIGHT_ANSWER} {n}": (
            candidate.reference_answer,
            Options(
                seeds.seed(material.seed, candidate.candidate_id, n) % 2**31, n, limits,
                warm=None if n else False,
            ),
        )
        for n in range(gates["repeats"])
    }  # fmt: skip
    if not candidate.is_control:
        nulls = {**_null_answers(candidate), **category.null_answers(candidate)}
        answers |= {f"{NULL_ANSWERS} {name}": (text, plain) for name, text in nulls.items()}
    weak = category.weak_answers(candidate, material) if _is_tried(candidate, category) else {}
    sample = list(weak.items())[: gates["oracle_sample"]]
    spoilt = {f"{STRONG_ORACLE} {name}": (text, plain) for name, text in sample}
    return _Trial(answers, row, category), _Trial(spoilt, row, category)


def _is_tried(candidate: Candidate, category: ModuleType) -> bool:
    """Tell whether the candidate's oracle is tried on mutants of the right answer (gate 5)."""
    return hasattr(category, "weak_answers") and not candidate.is_control


def _kind(name: str) -> str:
    """Return the operator or blunt kind of the mutant in an answer's name (gate kind:site)."""
    return name.partition(" ")[2].partition(":")[0]


def _null_answers(candidate: Candidate) -> dict[str, str]:
    return {
        "nothing": "", "blank": " \n\n", "prose": "I am not able to help with that.",
        "echo": candidate.prompt,
    }  # fmt: skip


def _decided(found: Mapping[str, Judgement], percent: int) -> tuple[str, str]:
    """Return the gate that drops the candidate and why, or empty texts."""
    for name, verdict in found.items():
        passed, gate = verdict.status == PASSED, name.partition(" ")[0]
        if gate == RIGHT_ANSWER and not passed:
            return gate, f"{name}: {verdict.reason}"
        broken = [text for check, text in EVIDENCE.items() if verdict.checks.get(check) is False]
        if gate == RIGHT_ANSWER and broken:
            return gate, f"{name}: {broken[0]}"
        if gate == NULL_ANSWERS and passed:
            return gate, f"passes: {name.partition(' ')[2]}"
    killed = sum(verdict.status != PASSED for verdict in found.values())
    weak = any(name.startswith(STRONG_ORACLE) for name in found)
    if weak and killed * 100 < percent * len(found):
        return STRONG_ORACLE, f"{killed} of {len(found)} mutants fail"
    return "", ""


def _rejection(candidate: Candidate, gate: str, reason: str) -> Rejection:
    return Rejection(
        candidate.candidate_id, candidate.category, candidate.unit_id, candidate.operator, gate,
        reason,
    )  # fmt: skip
