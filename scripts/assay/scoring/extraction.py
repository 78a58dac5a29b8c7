"""What an answer says, taken by fixed rules: deterministic, forgiving, and told in words.

Forms: "code" (the unit's code), "lines_and_code" (`LINES: …` and the unit's code), "findings"
(`CWE-n LINE m` a line, or `NONE`); each also as JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from assay.categories.base import Extraction
from assay.core.errors import HarnessError
from assay.scoring import code, fences, findings, jsonish, lines


def extract(answer: str, form: str, name: str) -> Extraction:
    """Return what was taken from an answer, and by which rule; `problem` if it can't be read.

    answer: the response's text, whatever is in it
    form:   "code" | "lines_and_code" | "findings"
    name:   the unit's own name, without its parents
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
    return _READERS[form](parts, name)


def _code(parts: fences.Parts, name: str) -> Extraction:
    found = _json_code(parts, name) or code.find(parts, name) or code.body_alone(parts, name)
    if found is None:
        return Extraction(rule="nothing", problem=f"no complete definition of {name}")
    return Extraction(
        code=found.code, helpers=found.helpers, imports=found.imports, rule=found.rule
    )


def _lines_and_code(parts: fences.Parts, name: str) -> Extraction:
    value = jsonish.find(parts)
    given, stated = jsonish.field(value, "lines", "line")
    as_json = lines.of_json(stated) if given else None
    read = (as_json, "JSON") if as_json is not None else lines.find(parts)
    found = _json_code(parts, name) or code.find(parts, name)
    if read is None and found is None:
        problem = f"neither lines nor a complete definition of {name}"
        return Extraction(rule="nothing", problem=problem)
    return Extraction(
        code=found.code if found else None,
        helpers=found.helpers if found else (),
        imports=found.imports if found else (),
        lines=read[0] if read else None,
        rule=f"lines: {read[1] if read else 'not stated'}; "
        f"code: {found.rule if found else 'not given'}",
    )


def _findings(parts: fences.Parts, _name: str) -> Extraction:
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


_READERS: dict[str, Callable[[fences.Parts, str], Extraction]] = {
    "code": _code,
    "lines_and_code": _lines_and_code,
    "findings": _findings,
}
