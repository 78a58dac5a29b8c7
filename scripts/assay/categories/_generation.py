"""Builds one code_generation task: what its prompt says and what its key holds."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from assay.categories import _context, _describe, _prompts, _uses, _variants
from assay.categories._code import code_key_json
from assay.categories._generation_dials import longest_prompt
from assay.categories._names import Names, names
from assay.categories._pool import Split
from assay.categories._types import Candidate, CodeKey, Material, Mutation, Row

CATEGORY = "code_generation"
MOST_CARDS = {"trivial": 6, "standard": 12, "hard": 24, "adversarial": 24}
MOST_CALLERS = {"trivial": 1, "standard": 2, "hard": 4, "adversarial": 4}
DEFINITION_CHARACTERS = {"trivial": 200, "standard": 300, "hard": 2500, "adversarial": 2500}


@dataclass(frozen=True)
class Draft:
    """A task before it is written down.

    variant: the mutation that is the right answer, or None for the published code
    split:   shown and hidden cases, with the right answer's results
    tests:   covering tests that the right answer passes
    stratum: as `_generation_dials.stratum_of` says
    halves:  sources that follow only one of two changed rules (adversarial tasks)
    """

    material: Material
    variant: Mutation | None
    split: Split
    tests: tuple[str, ...]
    stratum: str
    halves: tuple[str, ...] = ()

    @property
    def unit(self) -> Row:
        """Return the unit's row."""
        return self.material.unit

    @property
    def source(self) -> str:
        """Return the right answer's source of the unit, as it stands in the file."""
        return self.variant.source if self.variant else str(self.unit["source"])

    @cached_property
    def used(self) -> Names:
        """Return the names that the published body or the right answer uses."""
        return names(self.unit["source"], self.source)


def candidate_id(unit: Row, variant: Mutation | None) -> str:
    """Return the identity of a candidate: unit, and place and kind of the changed rule."""
    what = f"{variant.operator}:{variant.site}" if variant else "original"
    return f"{CATEGORY}:{unit['unit_id']}:{what}"


def answer(unit: Row, source: str) -> str:
    """Return the unit with the body of `source` as an answer in the prompt's format."""
    body = _variants.body_of_source(unit, source)
    return f"```python\n{_variants.definition(unit, body)}```\n"


def candidate_of(draft: Draft) -> Candidate:
    """Return the candidate that awaits the gates."""
    unit, variant = draft.unit, draft.variant
    return Candidate(
        candidate_id=candidate_id(unit, variant), category=CATEGORY, unit_id=unit["unit_id"],
        stratum=draft.stratum, kind="counterfactual" if variant else "original",
        is_control=False, operator=variant.operator if variant else "", prompt=prompt(draft),
        reference_answer=answer(unit, draft.source), accepted_lines=(), key=_key(draft),
    )  # fmt: skip


def prompt(draft: Draft) -> str:
    """Return the prompt, whole."""
    material, unit = draft.material, draft.unit
    text = _prompts.template(CATEGORY, material.settings)
    listed = _listed(draft.used)
    most = longest_prompt(material.settings, draft.stratum)
    shown = (case.data for case in draft.split.shown)
    return _uses.filled(text, {
        "kind": unit["kind"], "package": unit["module"].partition(".")[0], "path": unit["path"],
        "class": unit["parent"] if unit["kind"] == "method" else "",
        "head": _variants.head_of(unit).plain, "imports": _imports(unit), "names": listed[0],
        "strings": listed[1], "numbers": listed[2], "collaborators": _collaborators(draft),
        "callers": _callers(draft), "definitions": _definitions(draft),
        "changed": draft.variant.rule.strip() if draft.variant else "",
        "examples": _examples(draft),
    }, shown, material, most)  # fmt: skip


def _key(draft: Draft) -> dict[str, object]:
    unit = draft.unit
    code = CodeKey(
        path=unit["path"], text=None, name=unit["qualname"].rpartition(".")[2],
        first=unit["start_line"], last=unit["end_line"], def_line=unit["def_line"],
        body_line=unit["body_start_line"], body_only=True,
        hidden=tuple(case.hidden() for case in draft.split.hidden), tests=draft.tests,
        shown=tuple(case.scenario_id for case in draft.split.shown),
    )  # fmt: skip
    return {
        "code": code_key_json(code), "head": _variants.head_of(unit).plain,
        "imports": list(unit["file_imports"]), "source": draft.source,
        "original": answer(unit, unit["source"]) if draft.variant else None,
        "halves": [answer(unit, half) for half in draft.halves],
    }  # fmt: skip


def _imports(unit: Row) -> str:
    lines = [textwrap.dedent(text) for text in unit["file_imports"]]
    return "\n".join(lines) or "# (it imports nothing)"


def _collaborators(draft: Draft) -> str:
    rows = _context.collaborators(draft.unit, draft.material.units)[: MOST_CARDS[draft.stratum]]
    documented = draft.stratum != "trivial"
    return "\n\n".join(_titled(row, _context.card(row, docstring=documented)) for row in rows)


def _callers(draft: Draft) -> str:
    rows = _context.callers(draft.unit, draft.material.units)
    name = draft.unit["qualname"].rpartition(".")[2]
    found = [_titled(row, _calls(row, name)) for row in rows]
    return "\n\n".join(found[: MOST_CALLERS[draft.stratum]])


def _titled(row: Row, text: str) -> str:
    place = f" of {row['parent']}" if row["parent"] else f" of {row['module']}"
    return f"# {row['kind']}{place}\n{text}"


def _calls(row: Row, name: str) -> str:
    """Return the caller's signature and the lines that call `name`."""
    lines = [line.strip() for line in row["body"].split("\n") if f"{name}(" in line]
    signature = textwrap.dedent(row["signature"])
    return "\n    ...\n".join([signature, *(f"    {line}" for line in lines[:3])])


def _definitions(draft: Draft) -> str:
    material = draft.material
    found = _context.definitions(draft.used, draft.unit, material.units, material.bench.read)
    most = DEFINITION_CHARACTERS[draft.stratum]
    return "\n".join(text for text in found if len(text) <= most)


def _listed(used: Names) -> tuple[str, str, str]:
    own = [name for name in used.attributes if not name.startswith(".")]
    foreign = [name for name in used.attributes if name.startswith(".")]
    plain = sorted({*own, *used.globals} - {*_heads(own)})
    return _ticked([*plain, *foreign]), _quoted(used.strings), _ticked(used.numbers)


def _heads(chains: Sequence[str]) -> set[str]:
    return {chain.partition(".")[0] for chain in chains}


def _ticked(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text!r}`" for text in texts)


def _examples(draft: Draft) -> str:
    cases = draft.split.shown
    everything = [case.expected for case in (*cases, *draft.split.hidden)]
    attributes = _describe.varying(everything)
    return _describe.examples([(case.data, case.expected) for case in cases], attributes)
