"""Target `answers`: all that a model's text goes through outside the sandbox.

Extraction in its three forms (with fences, JSON, lines, findings, marks and mendings of code), the
facts beside a verdict, the place in the file, witness and exploit, and the check of names.
"""

from __future__ import annotations

import ast
import json
import re

from assay.categories import _exploit, _witness
from assay.categories.base import CodeKey, Extraction, PlaceError, place
from assay.core.files import canonical_json
from assay.hallucinations.answers import inventions
from assay.hallucinations.api import Api
from assay.scoring import findings, lines
from assay.scoring.describe import MAX_TEXT, describe, taken
from assay.scoring.extraction import extract
from assay.scoring.syntax import MAX_CODE_CHARS
from fuzzing.broken import hold

# form -> names that are asked for, category of that form
FORMS = {
    "code": (("f",), "code_generation"),
    "lines_and_code": (("f", "g"), "code_understanding"),
    "findings": (("f",), "security_audit"),
}
ORDER = sorted(FORMS)
MANY = 100  # helpers that are parsed together, or the target would be slower than what it tests
FILE = '"""A module."""\nimport os\n\n\nclass C:\n    @staticmethod\n    def f(x):\n        """Say."""\n        return x\n\n\ndef other():\n    return os\n'  # noqa: E501
ENTRIES = {
    "p:f": {"built": False, "methods": [], "observe": []},
    "p:C": {"built": True, "methods": ["__call__", "f"], "observe": ["errors"]},
}
WITNESS_KEY = {"entries": ENTRIES, "shown": []}
FENCED = re.compile(r"(?m)^[ \t>*-]*(`{3}|~{3})|</?(?:think|reason|thought)", re.IGNORECASE)


def run(data: bytes) -> None:
    """Read an answer: the first byte chooses the form, the rest is its text."""
    form = ORDER[data[0] % len(ORDER)] if data else ORDER[0]
    # What is no UTF-8 becomes lone surrogates: JSON from an engine may hold some as well.
    read(data[1:].decode("utf-8", "surrogateescape"), form)


def read(answer: str, form: str) -> None:
    """Read an answer of one form, and hold what came of it against the promises."""
    names, category = FORMS[form]
    found = extract(answer, form, *names)
    facts = describe(answer, found, form)
    hold(json.loads(canonical_json(facts)) == facts, "facts are plain JSON")
    told = taken(found)
    hold(told.isprintable() and len(told) <= MAX_TEXT, "what was taken is told on one line")
    _plausible(found)
    for name, part in [(names[0], found), *found.beside.items()]:
        _code(part, name)
    _evidence(found)
    key = json.dumps({"further_names": names[1:]})
    row = {"unit_id": "m.py::C.f", "key_json": key}
    for one in inventions(answer, {"category": category, "path": "m.py"}, row, API) or ():
        hold(bool(one.kind) or not one.name, "an invention has a kind")
        canonical_json(one.name)


def _plausible(found: Extraction) -> None:
    given = (found.code, found.lines, found.findings)
    if found.problem is not None:
        hold(given == (None, None, None), "what can't be read gives nothing")
    else:
        some = any(item is not None for item in given) or any(
            item.code is not None for item in found.beside.values()
        )
        hold(some, "what can be read gives something")
    if found.lines is not None:
        hold(found.lines == lines.tidy(found.lines), "lines are plausible, sorted, once each")
    if found.findings is not None:
        hold(found.findings == findings.tidy(found.findings), "findings are few, once each")
        hold(all(0 < line <= lines.MAX_NUMBER for _, line in found.findings), "lines are plausible")


def _code(part: Extraction, name: str) -> None:
    if part.code is None:
        return
    hold(_defines(part.code, name), "the code taken defines the unit")
    beside = (*part.helpers, *part.imports)
    for extra in beside if len(beside) < MANY else ("\n".join(beside),):
        hold(_parses(extra), "what is taken beside the code is Python")
    if len(part.code) < MAX_CODE_CHARS and not FENCED.search(part.code):  # the block ends in LF
        again = extract(f"````python\n{part.code}\n````\n", "code", name)
        hold(again.code == part.code.rstrip("\n"), "a clean fenced block is taken as it is")
        hold(again.rule == "fenced block", "a clean fenced block is as asked")
    for body_only in (True, False):
        key = CodeKey(
            path="m.py", text=None, name=name, first=6, last=9, def_line=7, body_line=9,
            body_only=body_only, hidden=(), tests=(),
        )  # fmt: skip
        try:
            text = place(FILE, key, part)
        except PlaceError:
            continue
        hold(_parses(text), "what is put in the unit's place leaves a file that is Python")


def _evidence(found: Extraction) -> None:
    if found.witness is not None:
        try:
            data = _witness.scenario_of(found.witness, WITNESS_KEY)
        except _witness.WitnessError:
            pass
        else:
            hold(json.loads(canonical_json(data)) == data, "a witness is plain JSON")
            _witness.identity(data)
    if found.exploit is not None:
        try:
            value = _exploit.value_of(found.exploit, "x")
        except _exploit.ExploitError:
            pass
        else:
            hold(json.loads(canonical_json(value)) == value, "an exploit is plain JSON")


def _defines(code: str, name: str) -> bool:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    tops = ast.parse(code).body if _parses(code) else []
    return any(isinstance(node, kinds) and node.name == name for node in tops)


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _head(scope: str, kind: str, bases: tuple[str, ...] = ()) -> dict[str, object]:
    return {"scope": scope, "name": "", "kind": kind, "ref": "m.py" if scope == "m" else None,
            "bases": list(bases), "open": False, "keywords": None, "factory": False}  # fmt: skip


def _member(scope: str, name: str, kind: str, ref: str | None = None) -> dict[str, object]:
    return {"scope": scope, "name": name, "kind": kind, "ref": ref, "bases": [], "open": False,
            "keywords": ["x"] if kind == "function" else None, "factory": False}  # fmt: skip


API = Api([
    _head("m", "module"), _head("os", "module"), _head("builtins", "module"), _head("m:C", "class"),
    _head("builtins:str", "class"), _head("builtins:list", "class"),
    _head("builtins:dict", "class"),
    _member("m", "C", "class", "m:C"), _member("m:C", "f", "function"),
    _member("os", "getcwd", "function"), _member("builtins", "str", "class", "builtins:str"),
    _member("builtins:str", "upper", "function"), _member("builtins:list", "append", "function"),
])  # fmt: skip
