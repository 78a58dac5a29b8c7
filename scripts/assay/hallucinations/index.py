"""The index of the pinned environment: what inspection saw, and what the texts add to it.

A name counts as known if either says so. A module that could not be imported, and one that may
gain names while it runs, is open, and so is a class that inspection did not reach.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.hallucinations.api import UNKNOWN, Api
from assay.hallucinations.scan import STORED, Scanned, scan
from assay.mining.paths import module_name
from assay.sources.tree import read_members

Row = dict[str, Any]
TARGET, STANDARD = "target", "standard_library"
# Not in the environment, but the pinned code itself imports it: no model invented that.
NAMED = "named"
# What the interpreter sets only while it runs (documented for the module `sys`).
LATER = ("last_type", "last_value", "last_traceback", "ps1", "ps2", "tracebacklimit")


def build(
    target: str, inspected: Iterable[Mapping[str, Any]], files: Iterable[tuple[str, str, bytes]]
) -> list[Row]:
    """Return the rows of `api_index` of a target.

    inspected: records of testbed.introspection
    files:     (origin, path below an import root, content) of every Python file
    """
    made = _Rows(target)
    for record in inspected:
        made.take(record)
    for origin, path, data in files:
        name = module_name(path, [""])
        if name:
            made.add(origin, name, path, _read(name, data))
    made.finish()
    return list(made.rows())


def files_of(
    environment: Path, source: Path, roots: Sequence[str]
) -> Iterator[tuple[str, str, bytes]]:
    """Yield origin, path and content of the Python files of the environment and the target.

    roots: folders of the target's tree that imports start from
    """
    for path, data in read_members(environment):
        origin, _, inside = path.partition("/")
        yield origin, inside, data
    starts = sorted((f"{root.strip('./')}/".lstrip("/") for root in roots), key=len, reverse=True)
    for path, data in read_members(source):
        start = next((each for each in starts if path.startswith(each)), None)
        if path.endswith(".py") and start is not None:
            yield TARGET, path.removeprefix(start), data


def _read(name: str, data: bytes) -> Scanned | None:
    try:
        return scan(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None


class _Rows:
    """Rows by (scope, name); the row of a scope itself has the empty name."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.found: dict[tuple[str, str], Row] = {}
        self.lazy: set[str] = set()
        self.loaded: set[str] = set()
        self.named: set[str] = set()
        self.textual: set[str] = set()
        self.used: dict[str, set[str]] = {}

    def rows(self) -> Iterator[Row]:
        return (self.found[key] for key in sorted(self.found))

    def has(self, scope: str) -> bool:
        return (scope, "") in self.found

    def head(self, scope: str, kind: str, origin: str, **facts: Any) -> Row:
        return self._row(scope, "", kind, origin, **facts)

    def take(self, record: Mapping[str, Any]) -> None:
        """Add what inspection saw of one package."""
        origin = record["origin"]
        for name, members in record["modules"].items():
            self.head(name, "module", origin)
            self._members(name, members, origin)
        self.lazy.update(record["open"])
        self.loaded.update(record["loaded"])
        for name, seen in record["classes"].items():
            head = self.head(
                name, "class", origin, ref=seen["metaclass"], bases=seen["bases"],
                keywords=seen["keywords"], open=seen["open"], factory=seen["factory"],
            )  # fmt: skip
            self.textual |= {name} if seen["textual"] else set()
            # Two classes of one name, or one that is seen in two states: what both allow.
            head["open"] |= seen["open"] or head["bases"] != seen["bases"]
            self._members(name, seen["names"], origin)

    def _members(self, scope: str, members: Mapping[str, Any], origin: str) -> None:
        for name, (kind, what) in members.items():
            is_function = kind == "function"
            self._row(
                scope, name, kind, origin, ref=None if is_function else what,
                keywords=what if is_function else None,
            )  # fmt: skip

    def add(self, origin: str, name: str, path: str, seen: Scanned | None) -> None:
        """Add what the text of a module says."""
        inspected = self.has(name)
        head = self.head(name, "module", origin, open=not inspected)
        head["ref"] = path if origin == TARGET else None
        if seen is None:
            head["open"] = True
            return
        head["open"] |= seen.module.open
        for each, (kind, keywords) in seen.module.names.items():
            shown = kind if not inspected else "attribute"
            ref = f"{name}:{each}" if kind == "class" and not inspected else None
            self._row(name, each, shown, origin, ref=ref, keywords=keywords)
        for qualname, scope in seen.classes.items():
            identity = f"{name}:{qualname}"
            inner = self.head(identity, "class", origin, open=not self.has(identity))
            inner["open"] |= scope.open
            self.used.setdefault(identity, set()).update(scope.used)
            for each in scope.names:
                self._row(identity, each, "attribute", origin)
        self.named |= seen.imports
        package = name.partition(".")[0]
        for attribute in seen.stored:
            self._row(package + STORED, attribute, "stored", origin)

    def finish(self) -> None:
        """Add what is known by its name alone, and open what is made while the code runs."""
        for name in ["__main__", *sys.stdlib_module_names]:
            self.head(name, "module", STANDARD, open=not self.has(name))
        for name in self.named:
            self.head(name, "module", NAMED, open=not self.has(name))
        for name in self.lazy:
            self.head(name, "module", NAMED)["open"] = True
        # Modules of no listed file: so what they lie in has a finder of its own.
        for name in self.loaded:
            parts = name.split(".")
            for size in range(len(parts), 0, -1):
                self.head(".".join(parts[:size]), "module", NAMED)["open"] = True
        for name in LATER:
            self._row("sys", name, "attribute", STANDARD)
        # Without its text (it is made in a function, say) nobody knows what its methods set.
        for scope in self.textual - set(self.used):
            self.head(scope, "class", NAMED)["open"] = True
        for scope in self._mixins():
            self.head(scope, "class", NAMED)["open"] = True

    def _mixins(self) -> list[str]:
        """Return classes whose own code asks for members that only what they are mixed into has."""
        api = Api(self.found.values())
        return [
            scope for scope, names in self.used.items()
            if any(api.member(api.family(scope), name)[0] == UNKNOWN for name in names)
        ]  # fmt: skip

    def _row(self, scope: str, name: str, kind: str, origin: str, **facts: Any) -> Row:
        fresh: Row = {
            "target": self.target, "scope": scope, "name": name, "kind": kind, "origin": origin,
            "ref": None, "keywords": None, "bases": [], "open": False, "factory": False, **facts,
        }  # fmt: skip
        return self.found.setdefault((scope, name), fresh)
