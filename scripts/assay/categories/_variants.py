"""Runs a unit's variants over its scenarios: the stub, and the variants of counterfactual tasks."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.categories._changed_rule import stated
from assay.categories._pool import Case
from assay.categories._types import Material, Mutation, Row
from assay.core.execution import RAN, Job, JobResult, Limits, Scenario
from assay.core.files import canonical_json
from assay.core.splice import lines_of, merged, replace_lines

Data = Mapping[str, Any]

MOST_CHANGED_PERCENT = 70  # of the scenarios: beyond, the variant is another function


@dataclass(frozen=True)
class Head:
    """A unit's lines before its body: as written, its margin, and dedented."""

    text: str
    margin: str

    @property
    def plain(self) -> str:
        """Return decorators, signature and docstring without the margin, and no last LF."""
        return "".join(line.removeprefix(self.margin) for line in lines_of(self.text)).rstrip("\n")


def head_of(unit: Row) -> Head:
    """Return the head of a unit: all its lines before the body."""
    lines = lines_of(unit["source"])
    count = unit["body_start_line"] - unit["start_line"]
    first = lines[0]
    return Head("".join(lines[:count]), first[: len(first) - len(first.lstrip())])


def definition(unit: Row, body: str) -> str:
    """Return the whole unit, dedented, with this body (as written, with the unit's margin)."""
    head = head_of(unit)
    plain = "".join(line.removeprefix(head.margin) for line in lines_of(body))
    return f"{head.plain}\n{plain.rstrip()}\n"


def body_of_source(unit: Row, source: str) -> str:
    """Return the body's lines of the unit's source or of a variant with the same head."""
    return source[len(head_of(unit).text) :]


def stub(unit: Row) -> str:
    """Return the unit's source with a body that does nothing."""
    head = head_of(unit)
    return f"{head.text}{head.margin}    pass\n"


def file_with(unit: Row, text: str, source: str) -> str:
    """Return the text of the unit's file with the unit's source replaced."""
    return replace_lines(text, unit["start_line"], unit["end_line"], source)


def observe(material: Material, sources: Sequence[str], pool: Sequence[Case]) -> list[JobResult]:
    """Run the pool's scenarios on each source of the unit."""
    text = material.bench.read(material.unit["path"])
    texts = [file_with(material.unit, text, source) for source in sources]
    return run_over(material, texts, [Scenario(case.scenario_id, case.data) for case in pool])


def run_over(
    material: Material, texts: Sequence[str], scenarios: Sequence[Scenario]
) -> list[JobResult]:
    """Run scenarios over each text of the unit's file."""
    path, limits = material.unit["path"], Limits(**material.settings.get("limits", {}))
    return material.bench.run([Job({path: text}, scenarios, limits=limits) for text in texts])


def clear_mutants(material: Material) -> list[Mutation]:
    """Return the mutations of the body whose changed rule can be stated, the clearest first."""
    head, unit = head_of(material.unit).text, material.unit
    fit = [mutant for mutant in material.mutants(unit) if mutant.source.startswith(head)]
    return stated(unit["source"], fit)


def both(unit: Row, one: Mutation, other: Mutation) -> Mutation | None:
    """Return a variant with both changes and both rules, or None if they do not go together."""
    source = merged(unit["source"], one.source, other.source)
    if source is None:
        return None
    try:
        ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError):
        return None
    return Mutation(
        operator=f"{one.operator}+{other.operator}", source=source,
        lines=tuple(sorted({*one.lines, *other.lines})), deletes=False,
        site=f"{one.site} & {other.site}", rule=f"(1) {one.rule.strip()} (2) {other.rule.strip()}",
    )  # fmt: skip


def passing_tests(material: Material, variant: Mutation) -> tuple[str, ...]:
    """Return the covering tests that a variant passes, in the order of the material."""
    unit = material.unit
    text = file_with(unit, material.bench.read(unit["path"]), variant.source)
    limits = Limits(**material.settings.get("limits", {}))
    job = Job({unit["path"]: text}, tests=material.tests, limits=limits)
    result = material.bench.run([job])[0]
    return tuple(name for name in material.tests if result.tests.get(name) == "passed")


def unclear(result: JobResult, pool: Sequence[Case]) -> str:
    """Return why a variant's behaviour is no rule that could be specified, or an empty text."""
    if result.outcome != RAN or len(result.observations) < len(pool):
        return "the variant does not run through its scenarios"
    changed = [
        case for case in pool
        if canonical_json(result.observations[case.scenario_id]) != canonical_json(case.expected)
    ]  # fmt: skip
    if len(changed) < 2:
        return "fewer than two scenarios tell the variant from the original"
    known = {kind for case in pool for kind in raised(case.expected)}
    stray = {kind for case in changed for kind in raised(result.observations[case.scenario_id])}
    if stray - known:
        return f"the variant raises {min(stray - known)}"
    loud = len(changed) * 100 > len(pool) * MOST_CHANGED_PERCENT
    return "the variant changes most of what the unit does" if loud else ""


def raised(observation: Data) -> set[str]:
    """Return the types of the exceptions that a scenario's calls raised."""
    return {str(call["raised"][0]) for call in observation.get("calls", []) if "raised" in call}
