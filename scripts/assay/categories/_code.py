"""The oracle over code: a unit's new text is run, and what it did is compared outside.

No expected value enters a job. Hidden scenarios are compared as canonical JSON, byte for byte;
each covering test must be reported as passed by its name. A missing report is never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from assay.categories._types import (
    FAILED,
    NOT_RUN,
    PASSED,
    VOID,
    CodeKey,
    Hidden,
    Judgement,
    Options,
)
from assay.core.execution import FORGED, HARNESS_ERROR, RAN, Bench, Job, JobResult, Scenario
from assay.core.files import canonical_json

NEAR_LIMIT_SHARE = 0.5  # of the CPU limit: a run above it may differ on a slower machine


def code_key_json(key: CodeKey) -> dict[str, Any]:
    """Return the key as plain JSON, the form in which `key_json` holds it."""
    return {**asdict(key), "shown": list(key.shown), "tests": list(key.tests),
            "hidden": [asdict(item) for item in key.hidden]}  # fmt: skip


def code_key(data: Mapping[str, Any]) -> CodeKey:
    """Return the key that `code_key_json` wrote; KeyError or TypeError if it is malformed."""
    fields = dict(data)
    fields["hidden"] = tuple(Hidden(**item) for item in data["hidden"])
    fields["tests"] = tuple(data["tests"])
    fields["shown"] = tuple(data["shown"])
    return CodeKey(**fields)


def same_observation(observed: Mapping[str, Any] | None, expected: Mapping[str, Any]) -> bool:
    """Say whether both are the same plain JSON; nothing observed is never the same."""
    return observed is not None and canonical_json(observed) == canonical_json(expected)


def code_job(key: CodeKey, text: str, options: Options, *, tests: bool) -> Job:
    """Return the job that runs the key's tests, or its hidden scenarios, over a new file text."""
    return Job(
        files={key.path: text},
        scenarios=()
        if tests
        else tuple(Scenario(item.scenario_id, item.data) for item in key.hidden),
        tests=key.tests if tests else (), order_seed=options.order_seed if tests else None,
        hash_seed=options.hash_seed, stop_at_first_failure=True, limits=options.limits,
        warm=options.warm,
    )  # fmt: skip


def run_code_oracle(key: CodeKey, text: str, bench: Bench, options: Options) -> Judgement:
    """Run a new text of the unit's file and judge what it did, as `run_files_oracle` does."""
    return run_files_oracle(key, {key.path: text}, bench, options)


def run_files_oracle(
    key: CodeKey, files: Mapping[str, str], bench: Bench, options: Options
) -> Judgement:  # fmt: skip
    """Run new texts of files (path -> text), the unit's own among them, and judge what they did.

    The hidden scenarios run first, where no test file is to be seen; the tests only if all of
    those agree. Checks: `scenarios` and, where they ran, `tests`. A failure of the harness is
    void, any other end of the worker than by itself is a failed answer.
    """
    verdict = Judgement(
        FAILED, NOT_RUN, "the key has neither scenario nor test: nothing proves the answer"
    )
    checks: dict[str, bool] = {}
    near = False
    for tests in [kind for kind, part in ((False, key.hidden), (True, key.tests)) if part]:
        job = code_job(key, files[key.path], options, tests=tests)
        result = bench.run([replace(job, files=dict(files))])[0]
        verdict = judge_result(key, result, options, tests=tests)
        foreign = sorted(set(files) - set(result.module_files.values()))
        if verdict.status == PASSED and foreign:
            reason = f"{foreign[0]} was not imported from the tree"
            verdict = replace(verdict, status=FAILED, reason=reason)
        checks, near = {**checks, **verdict.checks}, near or verdict.near_limit
        if verdict.status != PASSED:
            break
    return replace(verdict, checks=checks, near_limit=near)


def judge_result(key: CodeKey, result: JobResult, options: Options, *, tests: bool) -> Judgement:
    """Judge what `code_job` did, without running anything."""
    near = result.cpu_us >= options.limits.cpu_s * 1_000_000 * NEAR_LIMIT_SHARE
    if result.outcome == HARNESS_ERROR:
        return Judgement(VOID, result.outcome, f"harness: {result.detail}", {}, near)
    name, reason = (
        ("tests", _untested(key, result)) if tests else ("scenarios", _wrong(key, result))
    )
    if result.outcome != RAN:
        reason = f"the worker did not end by itself: {result.outcome}"
    elif key.path not in result.module_files.values():
        reason = "the file under test was not imported from the tree"
    status = FAILED if reason else PASSED
    return Judgement(status, result.outcome, reason or "all agree", {name: not reason}, near)


def _wrong(key: CodeKey, result: JobResult) -> str:
    wrong = [
        item.scenario_id for item in key.hidden
        if not same_observation(result.observations.get(item.scenario_id), item.expected)
    ]  # fmt: skip
    return f"{len(wrong)} of {len(key.hidden)} hidden scenarios differ" if wrong else ""


def _untested(key: CodeKey, result: JobResult) -> str:
    broken = [name for name in key.tests if result.tests.get(name) != "passed"]
    if broken:
        forged = [name for name in broken if result.tests.get(name) == FORGED]
        if forged:
            return f"a pass was reported of a test that had to fail: {forged[0]}"
        seen = [name for name in broken if name in result.tests]
        return f"test not passed: {(seen or broken)[0]}"
    extra = sorted(set(result.tests) - set(key.tests))
    return f"a test reported that was not asked for: {extra[0]}" if extra else ""
