"""Facts about an answer beside its verdict, so that a report can say where a model fails."""

from __future__ import annotations

import ast
import re
from typing import Any

from assay.categories.base import Extraction
from assay.scoring import fences
from assay.scoring.syntax import parse, parse_mended

# Rules of `extraction` that mean: written as the prompt asked.
_AS_ASKED = {
    "code": re.compile(r"fenced block$"),
    "lines_and_code": re.compile(
        r"lines: (marked|JSON); code: "
        r"(fenced block|JSON, whole answer|not given)( \+ (fenced block|not given))*$"
    ),
    "findings": re.compile(r"findings: (lines|NONE|JSON)$"),
}
MAX_TEXT = 300


def describe(answer: str, extraction: Extraction, form: str) -> dict[str, Any]:
    """Return the named facts of an answer.

    follows_format: written as the prompt asked
    parses:         the code is Python; null where no code was asked for
    annotated:      all parameters and the return value have annotations; null without code
    imports:        sorted names of the modules that the code imports
    length:         characters of the whole answer
    """
    tree = parse("\n".join((*extraction.imports, *extraction.helpers, extraction.code or "")))
    return {
        "follows_format": _follows(extraction, form),
        "parses": None if form == "findings" else _parses(answer, extraction),
        "annotated": _annotated(tree) if extraction.code else None,
        "imports": sorted(_imported(tree)) if tree else [],
        "length": len(answer),
    }


def taken(extraction: Extraction) -> str:
    """Return in words what was taken from an answer and by which rule."""
    facts = [extraction.rule]
    if extraction.lines is not None:
        facts.append("lines " + (", ".join(map(str, extraction.lines)) or "none"))
    if extraction.findings is not None:
        pairs = ", ".join(f"CWE-{cwe} at {line}" for cwe, line in extraction.findings)
        facts.append("findings " + (pairs or "none"))
    if extraction.witness is not None:
        facts.append(f"witness {extraction.witness}")
    if extraction.exploit is not None:
        facts.append(f"exploit {extraction.exploit}")
    for count, what in ((len(extraction.helpers), "helpers"), (len(extraction.imports), "imports")):
        if count:
            facts.append(f"{count} {what}")
    return plain("; ".join(facts))


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Return one line of valid, printable Unicode, cut after `limit` characters."""
    valid = text[: 4 * limit].encode("utf-8", "backslashreplace").decode("utf-8")
    line = " ".join("".join(c if c.isprintable() else " " for c in valid).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _follows(extraction: Extraction, form: str) -> bool:
    if extraction.problem is not None or not _AS_ASKED[form].search(extraction.rule):
        return False
    found = [extraction, *extraction.beside.values()]
    missing = form == "lines_and_code" and not any(item.code for item in found)
    return not missing or extraction.lines == ()


def _parses(answer: str, extraction: Extraction) -> bool | None:
    if extraction.code is not None:
        return True
    blocks = fences.split(answer[: fences.MAX_CHARS]).blocks
    if not blocks and extraction.lines is not None:
        return None
    return any(parse_mended(block.text) is not None for block in blocks[-5:])


def _annotated(tree: ast.Module | None) -> bool | None:
    if tree is None or not tree.body:
        return None
    unit = tree.body[-1]
    if not isinstance(unit, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    given = unit.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    asked = [one for one in named if one is not None and one.arg not in {"self", "cls"}]
    return unit.returns is not None and all(one.annotation is not None for one in asked)


def _imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found
