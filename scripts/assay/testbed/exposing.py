"""Makes tests fail whatever the code does, so that a pass that is still reported is a forged one.

A test runs in the candidate's process, where nothing can be kept from the candidate: it can find
the reporter and speak in its name, or change the tests. So a pass counts only if the same tests,
run once more under the same names, are reported as not passed when each ends in an assertion that
is false; which it is unless a comparison on the way has met something that equals what it must not
(`equalities`). See docs/decisions/0005.
"""

from __future__ import annotations

import ast
import io
import secrets
import tokenize
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assay.core.execution import FORGED, RAN, Job, JobResult
from assay.testbed import equalities

Function = ast.FunctionDef | ast.AsyncFunctionDef


def needed(job: Job, result: JobResult) -> bool:
    """Tell whether a result claims what has to be proven: other code, all of its tests passed."""
    passed = all(result.tests.get(name) == "passed" for name in job.tests)
    return bool(job.files and job.tests) and result.outcome == RAN and passed


def planted(
    tree: Path, job: Job, folders: Sequence[str], *, compared: bool = True
) -> dict[str, bytes]:
    """Return path -> bytes of each file of the job's tests, with every such test made to fail.

    folders:  where the target's tests lie: a test that its file only inherits is looked for there
    compared: a test passes after all where something equals what it must not, be it compared in
              the test's own file or in a helper's below `folders`
    What pytest collects from no function of that name stays as it is, and so proves nothing.
    """
    wanted: dict[str, set[str]] = {}
    for node in job.tests:
        path, _, name = node.partition("::")
        wanted.setdefault(path, set()).add(name.partition("[")[0].rpartition("::")[2])
    texts = {path: _read(tree, job, path) for path in wanted}
    inside = [place for folder in folders for place in sorted((tree / folder).rglob("*.py"))]
    missing = set[str]()
    for path, names in wanted.items():
        missing |= names - {function.name for function in _functions(texts[path][0], names)}
    for place in inside:
        name = place.relative_to(tree).as_posix()
        if missing or (compared and not _is_test_file(place)):
            texts.setdefault(name, _read(tree, job, name))
            wanted[name] = wanted.get(name, set()) | missing
    changed = {
        path: _failing(text, wanted[path], compared=compared) for path, (text, _) in texts.items()
    }
    return {
        path: changed[path].encode(encoding)
        for path, (text, encoding) in sorted(texts.items()) if text != changed[path]
    }  # fmt: skip


def judged(job: Job, claimed: JobResult, exposed: JobResult) -> JobResult:
    """Return what a claim of passed tests is worth, given the run in which all had to fail."""
    cpu_us = max(claimed.cpu_us, exposed.cpu_us)
    if exposed.outcome != RAN:
        detail = f"while its tests were made to fail: {exposed.detail}"
        return replace(claimed, outcome=exposed.outcome, tests={}, detail=detail, cpu_us=cpu_us)
    forged = [name for name in job.tests if exposed.tests.get(name, "passed") == "passed"]
    tests = {**claimed.tests, **dict.fromkeys(forged, FORGED)}
    return replace(claimed, tests=tests, cpu_us=cpu_us)


def _read(tree: Path, job: Job, path: str) -> tuple[str, str]:
    """Return a file's text as Python reads it, and its encoding; ("", …) for what is no code."""
    place = tree / path
    if path in job.files:
        data = job.files[path].encode("utf-8", "surrogatepass")
    elif path.endswith(".py") and place.is_file():
        data = place.read_bytes()
    else:
        return "", "utf-8"
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        return "", "utf-8"
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def _functions(text: str, names: set[str]) -> list[Function]:
    """Return the outermost functions of these names, in order."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    named = [node for node in nodes if isinstance(node, Function) and node.name in names]
    outer: list[Function] = []
    for node in sorted(named, key=lambda node: node.lineno):
        if not outer or node.lineno > (outer[-1].end_lineno or 0):
            outer.append(node)
    return outer


def _is_test_file(path: Path) -> bool:
    """Tell whether pytest takes a file for tests, and so runs nothing of it for the others."""
    return path.stem.startswith("test_") or path.stem.endswith("_test")


def _failing(text: str, names: set[str], *, compared: bool) -> str:
    """Put an assertion that is false behind the body of each function of these names.

    compared: it holds where a comparison has met something that equals what it must not
    """
    text = equalities.checked(text) if compared else text
    unless = f" or {equalities.MET}" if compared else ""
    forget = [equalities.MET] if compared else []
    lines = text.split("\n")
    held = _inside_strings(text) if _functions(text, names) else set()
    for node in reversed(_functions(text, names)):
        first = min(_first_line(statement) for statement in node.body)
        last = node.end_lineno or first
        ahead = lines[first - 1].encode()[: node.body[0].col_offset].decode()
        beside = bool(ahead.strip()) and first == node.body[0].lineno
        indent = " " * (node.col_offset + 1) if beside else _margin(lines[first - 1])
        body = [
            line if number in held else _deeper(line, indent)
            for number, line in enumerate(lines[first - 1 : last], first)
        ]  # one more space, whatever the file indents by
        if beside:
            body[0] = f"{indent} {lines[first - 1][len(ahead) :]}"
        numbers = f"{secrets.randbelow(1000)} == {1000 + secrets.randbelow(1000)}"
        false = f"{indent} assert {numbers}{unless}"
        lines[first - 1 : last] = [
            *([ahead] if beside else []), *(f"{indent}{line}" for line in forget),
            f"{indent}try:", *body, f"{indent}finally:", false,
        ]  # fmt: skip
    return "\n".join(lines)


def _deeper(line: str, indent: str) -> str:
    return f"{indent} {line.removeprefix(indent)}" if line.startswith(indent) else line


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(int(one.lineno) for one in decorators)])


def _inside_strings(text: str) -> set[int]:
    """Return the lines that begin within a string literal: their white space is no indentation."""
    held = set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING:
            held |= set(range(token.start[0] + 1, token.end[0] + 1))
    return held
