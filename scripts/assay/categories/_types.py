"""The records that categories, gates and the scorer hand to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.core.execution import Bench, Limits

Row = Mapping[str, Any]

PASSED, FAILED, UNREADABLE, VOID = "passed", "failed", "unreadable", "void"
NOT_RUN = "not_run"


@dataclass(frozen=True)
class Mutation:
    """One change of a unit's source that an operator made.

    source:  the unit's whole new source (like the units table's `source`)
    lines:   changed lines, 1-based within `source`; for a deletion the two neighbours of the gap
    deletes: a whole statement is gone
    site:    identity of the place and change, such as "3:12:<→<="; no visiting order in it
    rule:    the changed rule in words, as a specification would state it
    """

    operator: str
    source: str
    lines: tuple[int, ...]
    deletes: bool
    site: str
    rule: str


@dataclass(frozen=True)
class Material:
    """All that a category may draw on for one unit.

    unit, units: rows of the units table; units is keyed by unit_id
    tests:       steady, passing tests that execute the unit
    scenarios:   rows of the scenarios table that execute the unit, in a seeded order
    mutants:     every mutation of a unit's source by all operators, in a seeded order
    seed:        the run's seed; draws are core.seeds over (seed, unit_id, …)
    settings:    {"tasks": {…}, "gates": {…}, "limits": {…}} of the config, and "prompts":
                 text of each file in config/prompts by its name without the suffix
    blunt:       further mutations of a unit's source, on which oracles are tried, too
    """

    target: str
    unit: Row
    units: Mapping[str, Row]
    tests: tuple[str, ...]
    scenarios: tuple[Row, ...]
    mutants: Callable[[Row], list[Mutation]]
    bench: Bench
    seed: int
    settings: Mapping[str, Any]
    blunt: Callable[[Row], list[Mutation]] = lambda _: []

    def spoilt(self, unit: Row) -> list[Mutation]:
        """Return what an oracle over the unit is tried on: its mutants, then the blunt ones."""
        return [*self.mutants(unit), *self.blunt(unit)]


@dataclass(frozen=True)
class Candidate:
    """A task that awaits the gates; the fields are those of the tasks and keys tables."""

    candidate_id: str
    category: str
    unit_id: str
    stratum: str
    kind: str
    is_control: bool
    operator: str
    prompt: str
    reference_answer: str
    accepted_lines: tuple[int, ...]
    key: Mapping[str, Any]
    proof: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rejection:
    """A candidate that a gate dropped, and why."""

    candidate_id: str
    category: str
    unit_id: str
    operator: str
    gate: str
    reason: str


@dataclass(frozen=True)
class Extraction:
    """What was taken from an answer, by `assay.scoring.extraction`.

    code:     the unit (def with decorators, if given), dedented; None if none was found
    helpers:  other top-level definitions and assignments given beside it, dedented
    imports:  import statements given beside it
    lines:    the lines named; () for an explicit "none"; None if not stated
    findings: (cwe number, line) pairs; () for an explicit "none"; None if not stated
    beside:   what was taken for each further unit that the answer was to give, by its name
    witness:  the text of the expression after `WITNESS:`, as it stands; None if there is none
    exploit:  the text after `EXPLOIT:`, as it stands; None if there is none
    rule:     which rule took it, for the record
    problem:  why the answer can't be read, or None
    """

    code: str | None = None
    helpers: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    lines: tuple[int, ...] | None = None
    findings: tuple[tuple[int, int], ...] | None = None
    beside: Mapping[str, Extraction] = field(default_factory=dict)
    witness: str | None = None
    exploit: str | None = None
    rule: str = ""
    problem: str | None = None


@dataclass(frozen=True)
class Options:
    """How an answer is run: varied by the gates, fixed for the scorer; `warm` as of a Job."""

    order_seed: int | None = None
    hash_seed: int = 0
    limits: Limits = Limits()
    warm: bool | None = None


@dataclass(frozen=True)
class Judgement:
    """What an answer is worth (`status`, `reason`) and what the worker did (`outcome`)."""

    status: str
    outcome: str
    reason: str
    checks: Mapping[str, bool] = field(default_factory=dict)
    near_limit: bool = False


@dataclass(frozen=True)
class Hidden:
    """A hidden check: a scenario's data and the observation that is right."""

    scenario_id: str
    data: Mapping[str, Any]
    expected: Mapping[str, Any]


@dataclass(frozen=True)
class CodeKey:
    """The key of a task whose answer is a unit's code, as `key_json` holds it.

    path:     file of the unit
    text:     that file as the prompt shows it (with the bug, if there is one); None = unchanged
    name:     the unit's own name, without its parents
    first, last: lines of the unit in `text`, decorators included
    def_line, body_line: line of its `def`, and first line of its body after the docstring
    body_only: splice the answer's body only and keep decorators, signature, docstring
    hidden, tests: the oracle
    """

    path: str
    text: str | None
    name: str
    first: int
    last: int
    def_line: int
    body_line: int
    body_only: bool
    hidden: tuple[Hidden, ...]
    tests: tuple[str, ...]
    shown: Sequence[str] = ()
