"""The units of a tree: one row a function, method and class, and one for every scanned file."""

from __future__ import annotations

import contextlib
import gc
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.progress import say
from assay.mining import anatomy
from assay.mining.paths import SUFFIX, PathFilter, module_name
from assay.mining.rules import Rules, load_rules
from assay.mining.syntax import Definition, Source, compound_depths
from assay.mining.text import UnreadableError, bom_length, decode
from assay.sources.tree import shown

MAX_FILE_BYTES = 2_000_000
Row = dict[str, Any]
_NEUTRAL: Mapping[str, Any] = {
    "qualname": "", "parent": "", "is_async": False, "decorators": [], "signature": "",
    "parameters": [], "returns": "", "docstring": None, "body": "", "source": "",
    "file_imports": [], "start_line": 0, "def_line": 0, "body_start_line": 0, "end_line": 0,
    "start_byte": 0, "end_byte": 0, "lines": 0, "statements": 0, "complexity": 0, "nesting": 0,
    "calls": [], "problem": None,
}  # fmt: skip


@dataclass
class _Scan:
    """What is known while a tree is scanned."""

    target: str
    names: PathFilter
    skipped: Counter[str] = field(default_factory=Counter)
    suffixes: Counter[str] = field(default_factory=Counter)


def extract(
    members: Iterable[tuple[str, bytes]], target: str, rules: Path, options: Mapping[str, Any]
) -> list[Row]:
    """Return the rows of the units table for a tree.

    members: path and bytes of every file; rules: the folder of extraction rules
    options: the target's `scan`, `skip`, `keep` (patterns), `source_roots`, `max_file_bytes`
    A file that can't be read is a row whose `problem` says why.
    Raises UserError if no Python file is left to scan.
    """
    known = load_rules(rules)
    scan = _Scan(target, PathFilter(known.skip, options))
    rows: list[Row] = []
    for path, data in members:
        scan.suffixes[posixpath.splitext(path)[1] or "no suffix"] += 1
        if path.endswith(SUFFIX):
            reason = scan.names.reason(path, data)
            if reason:
                scan.skipped[reason] += 1
            else:
                rows += file_rows(path, data, known, target, options)
    if not rows:
        raise _nothing_found(scan)
    _say_summary(scan, rows)
    return rows


def file_rows(
    path: str, data: bytes, rules: Rules, target: str = "", options: Mapping[str, Any] | None = None
) -> list[Row]:
    """Return one file's rows, its own first, whatever the skip rules say.

    A file that can't be read has its own row only, whose `problem` says why.
    """
    wanted = options or {}
    name = shown(path)
    base: Row = {
        **_NEUTRAL,
        "target": target, "unit_id": name, "kind": "file", "path": name,
        "module": module_name(name, wanted.get("source_roots") or [""]),
    }  # fmt: skip
    limit = int(wanted.get("max_file_bytes", MAX_FILE_BYTES))
    try:
        if name != path:
            raise UnreadableError("the path is not UTF-8")
        if len(data) > limit:
            raise UnreadableError(f"too large: {len(data)} bytes, the limit is {limit}")
        with _uncollected():
            return _parsed_rows(base, Source(decode(data), rules, bom_length(data)))
    except UnreadableError as error:
        return [base | {"problem": str(error)}]


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the cycle collector away: a syntax tree sets it off again and again, for no garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _parsed_rows(base: Mapping[str, Any], source: Source) -> list[Row]:
    file = _File(dict(base), source)
    rows = [file.row()]
    repeated: Counter[str] = Counter()
    for item, parents in file.nested():
        row = file.unit(item, parents)
        repeated[row["qualname"]] += 1
        number = repeated[row["qualname"]]
        row["unit_id"] = f"{row['path']}::{row['qualname']}" + (f"#{number}" if number > 1 else "")
        rows.append(row)
    return rows


class _File:
    """Makes the rows of one parsed file."""

    def __init__(self, base: Row, source: Source) -> None:
        self.source = source
        self.calls = anatomy.Calls(source)
        self.depths = compound_depths(source)
        self.depth_at = dict(self.depths)
        self.base = base | {"file_imports": [source.slice(node) for node in source.find("imports")]}

    def row(self) -> Row:
        """Return the file's own row: no text, but its spans, docstring and metrics."""
        end = len(self.source.text)
        lines = len(self.source.lines.lines)
        return self.base | self._metrics(0, end, 0) | {
            "docstring": anatomy.module_docstring(self.source),
            "start_line": 1, "def_line": 1, "body_start_line": 1, "end_line": lines,
            "lines": lines, "start_byte": 0, "end_byte": self.source.lines.byte(end),
        }  # fmt: skip

    def nested(self) -> Iterator[tuple[Definition, list[tuple[Definition, str]]]]:
        """Yield each definition with those around it and their qualnames, outermost first."""
        around: list[tuple[Definition, str]] = []
        for item in self.source.definitions():
            while around and around[-1][0].reach <= item.start:
                around.pop()
            yield item, list(around)
            around.append((item, self._qualname(item, around)))

    def unit(self, item: Definition, around: list[tuple[Definition, str]]) -> Row:
        """Return the row of a definition, all but its unit_id."""
        source, lines = self.source, self.source.lines
        marks = anatomy.decorators(item)
        body = anatomy.body(source, item)
        def_line, end_line = lines.line(item.start), lines.line(item.end - 1)
        first = lines.line(marks[0].range().start.index) if marks else def_line
        in_class = bool(around) and around[-1][0].is_class
        return self.base | self._metrics(body.start, item.end, self.depth_at[item.start] + 1) | {
            "kind": "class" if item.is_class else "method" if in_class else "function",
            "qualname": self._qualname(item, around),
            "parent": around[-1][1] if around else "",
            "is_async": item.is_async,
            "decorators": [anatomy.decorator_text(source, mark) for mark in marks],
            "signature": anatomy.signature(source, item),
            "parameters": anatomy.parameters(source, item),
            "returns": anatomy.returns(source, item),
            "docstring": body.docstring,
            "body": lines.whole(body.first_line, end_line),
            "source": lines.whole(first, end_line),
            "start_line": first, "def_line": def_line, "body_start_line": body.first_line,
            "end_line": end_line, "lines": end_line - def_line + 1,
            "start_byte": lines.byte(item.start), "end_byte": lines.byte(item.end),
        }  # fmt: skip

    def _qualname(self, item: Definition, around: list[tuple[Definition, str]]) -> str:
        # As Python's own __qualname__ has it.
        if not around:
            return item.name
        outer, name = around[-1]
        return f"{name}.{item.name}" if outer.is_class else f"{name}.<locals>.{item.name}"

    def _metrics(self, start: int, end: int, depth: int) -> Row:
        return {
            "statements": self.source.count("statements", start, end),
            "complexity": 1 + self.source.count("decisions", start, end),
            "nesting": anatomy.nesting(self.depths, start, end, depth),
            "calls": self.calls.within(start, end),
        }


def _say_summary(scan: _Scan, rows: list[Row]) -> None:
    kinds = Counter(row["kind"] for row in rows)
    found = ", ".join(f"{kinds[kind]} {kind}" for kind in ("file", "class", "function", "method"))
    say(f"{scan.target}: {found}; not scanned: {_counts(scan.skipped) or 'none'}")
    for row in rows:
        if row["problem"]:
            say(f"{scan.target}: {row['path']}: {row['problem']}")


def _nothing_found(scan: _Scan) -> UserError:
    return UserError(
        "the source has no Python file to scan", where=f"target {scan.target}",
        given=f"files: {_counts(scan.suffixes) or 'none'}; Python files not scanned: "
        f"{_counts(scan.skipped) or 'none'}",
        expected=f"at least one {SUFFIX} file that `scan` takes in and no skip rule leaves out",
        hint="check the source of the target; widen `scan`, narrow `skip`, or name files that "
        "config/extraction/skip.yaml leaves out in `keep`",
    )  # fmt: skip


def _counts(counter: Counter[str]) -> str:
    ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number} {name}" for name, number in ranked)
