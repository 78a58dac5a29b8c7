"""Compare the extraction with Python's own `ast` on every Python file below a folder.

Run as `python -m assay.mining.crosscheck [FOLDER]` (default: the standard library, without the
packages that are installed beside it). Exits 1 if a single function, class, span or count differs.
A file that Python parses and ast-grep does not is listed and counted apart: its row has a
`problem`, and none of its units is used.
"""

from __future__ import annotations

import argparse
import ast
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.core.errors import AssayError
from assay.core.progress import say, track
from assay.mining.reference import Facts, reference_units
from assay.mining.rules import Rules, load_rules
from assay.mining.text import UnreadableError, bom_length, decode
from assay.mining.units import Row, file_rows

RULES = Path(__file__).resolve().parents[3] / "config" / "extraction"
SHOWN = 50
REFUSED = "python reads it, we do not"
INSTALLED = frozenset({"site-packages", "dist-packages"})  # no part of the standard library
_PLAIN = (
    "qualname", "kind", "parent", "is_async", "parameters", "docstring", "start_line", "def_line",
    "end_line", "start_byte", "end_byte", "statements", "complexity", "nesting", "calls",
)  # fmt: skip


def differences(path: str, data: bytes, rules: Rules) -> list[str]:
    """Return in words how the rows of a file differ from what `ast` says; [] if they agree."""
    rows = file_rows(path, data, rules)
    try:
        text = decode(data)
        expected = reference_units(text, bom_length(data))
    except (UnreadableError, SyntaxError, RecursionError) as error:
        return [] if rows[0]["problem"] else [f"{path}: python refuses it ({error}), we do not"]
    if rows[0]["problem"]:
        return [f"{path}: {REFUSED}: {rows[0]['problem']}"]
    units = sorted(rows[1:], key=lambda row: int(row["start_byte"]))
    if len(units) != len(expected):
        ours = Counter(row["qualname"] for row in units)
        ours.subtract(facts["qualname"] for facts in expected)
        return [f"{path}: units differ: {sorted(name for name in ours if ours[name])}"]
    pairs = zip(units, expected, strict=True)
    return [f"{path}: {text}" for unit, facts in pairs for text in _compared(unit, facts)]


def main(arguments: Iterable[str] | None = None) -> int:
    """Compare all files, print the differences and a summary, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=sysconfig.get_path("stdlib"))
    parser.add_argument("--rules", type=Path, default=RULES)
    given = parser.parse_args(None if arguments is None else list(arguments))
    rules = load_rules(given.rules)
    folder = Path(given.folder)
    files = {path: path.read_bytes() for path in _python_files(folder)}
    found: list[str] = []
    for path, data in track(files.items(), "crosscheck"):
        found += differences(path.relative_to(folder).as_posix(), data, rules)
    print("\n".join(found[:SHOWN]), end="\n" if found else "")
    refused = sum(REFUSED in text for text in found)
    print(_summary(files, rules, (len(found) - refused, refused)))
    return 1 if len(found) > refused else 0


def _python_files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    return [path for path in found if not INSTALLED & set(path.relative_to(folder).parts)]


def _summary(files: Mapping[Path, bytes], rules: Rules, counts: tuple[int, int]) -> str:
    differing, refused = counts
    began = time.perf_counter()
    rows = [row for path, data in files.items() for row in file_rows(path.name, data, rules)]
    seconds = time.perf_counter() - began
    lines = sum(data.count(b"\n") for data in files.values())
    kinds = Counter(str(row["kind"]) for row in rows)
    problems = sum(row["problem"] is not None for row in rows)
    return (
        f"{kinds['file']} files, {lines} lines: {kinds['class']} classes, {kinds['method']} methods"
        f", {kinds['function']} functions; {problems} files with a problem, of which "
        f"Python reads {refused}; {differing} differences; extraction {lines / seconds:.0f} lines/s"
    )


def _compared(unit: Row, facts: Facts) -> Iterator[str]:
    where = f"{facts['qualname']} (line {facts['def_line']})"
    for name in _PLAIN:
        if unit[name] != facts[name]:
            yield f"{where}: {name}: ast-grep {unit[name]!r}, ast {facts[name]!r}"
    if len(unit["decorators"]) != facts["decorators"]:
        yield f"{where}: decorators: ast-grep {unit['decorators']}, ast {facts['decorators']}"
    yield from (f"{where}: {text}" for text in _structure(unit, facts["node"]))


def _structure(unit: Row, node: Any) -> Iterator[str]:
    """Yield what is wrong with the texts: signature, annotation and first line of the body."""
    same = ast.parse(f"{unit['signature']} pass").body[0]
    for name in ("name", "args", "returns", "bases", "keywords"):
        if _dump(getattr(same, name, None)) != _dump(getattr(node, name, None)):
            yield f"signature: {name} is another: {unit['signature']!r}"
    returns = getattr(node, "returns", None)
    if bool(unit["returns"]) != (returns is not None):
        yield f"returns: {unit['returns']!r}"
    rest = node.body if unit["docstring"] is None else node.body[1:]
    first = min((_first_line(item) for item in rest[:1]), default=unit["end_line"] + 1)
    lines = unit["source"].splitlines()
    before = lines[unit["body_start_line"] - unit["start_line"] : first - unit["start_line"]]
    if unit["body_start_line"] > first or any(line.strip()[:1] not in ("", "#") for line in before):
        yield f"body starts at line {unit['body_start_line']}, first statement at {first}"


def _first_line(node: Any) -> int:
    marks = getattr(node, "decorator_list", [])
    return int(min([node.lineno, *(mark.lineno for mark in marks)]))


def _dump(part: Any) -> str:
    if isinstance(part, list):
        return " ".join(_dump(item) for item in part)
    return ast.dump(part) if isinstance(part, ast.AST) else repr(part)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AssayError as error:
        say(str(error))
        sys.exit(error.exit_code)
