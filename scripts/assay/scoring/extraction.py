"""What an answer says, taken by fixed rules: deterministic, forgiving, and told in words.

Forms: "code" (the unit's code), "lines_and_code" (`LINES: …`, the code of one or more units, and
perhaps `WITNESS: …`), "findings" (`CWE-n LINE m` a line, or `NONE`); each also as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from assay.categories.base import Extraction
from assay.core.errors import HarnessError
from assay.scoring import code, fences, findings, jsonish, lines, witness

Names = Sequence[str]


def extract(answer: str, form: str, *names: str) -> Extraction:
    """Return what was taken from an answer, and by which rule; `problem` if it can't be read.

    answer: the response's text, whatever is in it
    form:   "code" | "lines_and_code" | "findings"
    names:  the unit's own name, without its parents; then those of further units to give
    Raises HarnessError for an unknown form, and nothing for any answer.
    """
    if form not in _READERS:
        raise HarnessError(f"unknown form of answers: {form!r}")
    if not answer.strip():
        return Extraction(rule="nothing", problem="the answer is empty")
    if len(answer) > fences.MAX_CHARS:
        problem = f"the answer is longer than {fences.MAX_CHARS} characters"
        return Extraction(rule="nothing", problem=problem)
    parts = fences.split(answer)
    if parts.reasoning_only:
        return Extraction(rule="nothing", problem="the answer ends before its reasoning does")
    return _READERS[form](parts, names)


def _code(parts: fences.Parts, names: Names) -> Extraction:
    name = names[0]
    found = _json_code(parts, name) or code.find(parts, name) or code.body_alone(parts, name)
    if found is None:
        return Extraction(rule="nothing", problem=f"no complete definition of {name}")
    return Extraction(
        code=found.code, helpers=found.helpers, imports=found.imports, rule=found.rule
    )


def _lines_and_code(parts: fences.Parts, names: Names) -> Extraction:
    shown, prose = witness.split(parts)
    # A dict in a witness is no answer in JSON.
    value = jsonish.find(replace(parts, prose=prose, whole=witness.without(parts.whole)))
    given, stated = jsonish.field(value, "lines", "line")
    as_json = lines.of_json(stated) if given else None
    read = (as_json, "JSON") if as_json is not None else lines.find(replace(parts, prose=prose))
    given, told = jsonish.field(value, "witness")
    shown = told if given and isinstance(told, str) else shown
    found = [_json_code(parts, name) or code.find(parts, name) for name in names]
    if read is None and not any(found):
        problem = f"neither lines nor a complete definition of {' or '.join(names)}"
        return Extraction(rule="nothing", problem=problem)
    rules = [item.rule if item else "not given" for item in found]
    rule = f"lines: {read[1] if read else 'not stated'}; code: {' + '.join(rules)}"
    first, *further = [_taken(item, names) for item in found]
    return replace(
        first, beside=dict(zip(names[1:], further, strict=True)), witness=shown,
        lines=read[0] if read else None, rule=rule,
    )  # fmt: skip


def _taken(found: code.Found | None, names: Names) -> Extraction:
    """Return a unit's code with its helpers, but for those that are asked for themselves."""
    if found is None:
        return Extraction()
    helpers = tuple(item for item in found.helpers if not code.defines(item, names))
    return Extraction(code=found.code, helpers=helpers, imports=found.imports)


def _findings(parts: fences.Parts, _names: Names) -> Extraction:
    value = jsonish.find(parts)
    given, stated = jsonish.field(value, "findings", "vulnerabilities", "issues")
    if not given and (isinstance(value, list) or jsonish.field(value, "cwe", "cwe_id")[0]):
        given, stated = True, value
    as_json = findings.of_json(stated) if given else None
    read = (as_json, "JSON") if as_json is not None else findings.find(parts)
    if read is None:
        return Extraction(rule="nothing", problem="neither a finding nor NONE")
    return Extraction(findings=read[0], rule=f"findings: {read[1]}")


def _json_code(parts: fences.Parts, name: str) -> code.Found | None:
    value = jsonish.find(parts)
    given, text = jsonish.field(value, "code", "fixed_code", "function", "answer", "fix")
    if not given or not isinstance(text, str):
        return None
    found = code.find(fences.split(text), name)
    return replace(found, rule=f"JSON, {found.rule}") if found else None


_READERS: dict[str, Callable[[fences.Parts, Names], Extraction]] = {
    "code": _code,
    "lines_and_code": _lines_and_code,
    "findings": _findings,
}
