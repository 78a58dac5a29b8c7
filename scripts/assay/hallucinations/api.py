"""Look-ups in the index: is there such a package, module, attribute, member, keyword?

Every answer is one of three: known (and what it is), unknown, or open. Only unknown is reported.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.hallucinations.scan import STORED

KNOWN, UNKNOWN, OPEN = "known", "unknown", "open"
CUTOFF, LONGEST = 0.6, 80  # how alike a real name must be, and how long an invented one may be
# Calling these gives something else than an instance of them.
OTHERS = frozenset({"builtins:super", "builtins:type"})
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Value:
    """What an expression is: module | class | function | instance, and which.

    keywords: of a function; None if nothing says what it takes
    """

    kind: str
    name: str = ""
    keywords: tuple[str, ...] | None = None


class Api:
    """The index of one target, as it is asked."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.heads: dict[str, Row] = {}
        self.names: dict[str, dict[str, Row]] = {}
        for row in rows:
            if row["name"]:
                self.names.setdefault(row["scope"], {})[row["name"]] = row
            else:
                self.heads[row["scope"]] = row
        self.modules = sorted(scope for scope in self.heads if ":" not in scope)
        self.packages = sorted({name.partition(".")[0] for name in self.modules})
        self.heirs: dict[str, list[str]] = {}
        for scope in sorted(self.heads):
            for base in self.heads[scope]["bases"]:
                self.heirs.setdefault(base, []).append(scope)

    def module_of(self, path: str) -> str:
        """Return the target's module at a path of its tree, or ""."""
        refs = ((self.heads[name]["ref"], name) for name in self.modules)
        # The index knows paths below the folder that imports start from.
        fit = [(len(ref), name) for ref, name in refs if ref and f"/{path}".endswith(f"/{ref}")]
        return max(fit, default=(0, ""))[1]

    def module(self, name: str) -> str:
        """Tell whether there is such a module."""
        if name in self.heads:
            return KNOWN
        parent = name.rpartition(".")[0]
        while parent and parent not in self.heads:
            parent = parent.rpartition(".")[0]
        # An object that poses as a module, such as `os.path`, stands among its parent's names.
        rest = name[len(parent) + 1 :].split(".")
        if parent and (self.heads[parent]["open"] or rest[0] in self.names.get(parent, {})):
            return OPEN
        return UNKNOWN

    def attribute(self, module: str, name: str) -> tuple[str, Value | None]:
        """Return what a module's attribute is."""
        row = self.names.get(module, {}).get(name)
        if row is not None:
            return KNOWN, self._value(row)
        if f"{module}.{name}" in self.heads:
            return KNOWN, Value("module", f"{module}.{name}")
        if module not in self.heads or self.heads[module]["open"] or name.startswith("__"):
            return OPEN, None
        return UNKNOWN, None

    def member(self, classes: Sequence[str], name: str) -> tuple[str, Value | None]:
        """Return what a member is that any of the classes may have."""
        lineage = list(self._lineage(classes))
        for scope in lineage:
            row = self.names.get(scope, {}).get(name)
            if row is not None:
                return KNOWN, self._value(row)
        if is_private(name):
            return OPEN, None  # each class has its own under that name
        for scope in lineage:
            package = scope.partition(":")[0].partition(".")[0] + STORED
            if scope not in self.heads or self.heads[scope]["open"]:
                return OPEN, None
            if name in self.names.get(package, {}):
                return OPEN, None
        return UNKNOWN, None

    def of_class(self, name: str, attribute: str) -> tuple[str, Value | None]:
        """Return what an attribute of the class itself is; its metaclass may give it too."""
        meta = self.heads[name]["ref"] if name in self.heads else None
        return self.member([name, meta] if meta else [name], attribute)

    def family(self, name: str) -> list[str]:
        """Return the class and all that inherit from it: what `self` may be in its methods."""
        return [name, *self.heirs.get(name, [])]

    def call(self, value: Value) -> tuple[tuple[str, ...] | None, Value | None]:
        """Return the keywords that a call may have (None: any) and what it gives."""
        if value.kind == "function":
            return value.keywords, None
        head = self.heads.get(value.name) if value.kind == "class" else None
        if head is None or head["open"] or value.name in OTHERS:
            return None, None
        keywords = None if head["keywords"] is None else tuple(head["keywords"])
        return keywords, None if head["factory"] else Value("instance", value.name)

    def nearest(self, name: str, kind: str, scopes: Sequence[str] = ()) -> str:
        """Return the real name that is most like an invented one, or ""."""
        if kind == "package":
            known: Iterable[str] = self.packages
        elif kind == "module":
            head = name.partition(".")[0]
            known = [each for each in self.modules if each.partition(".")[0] == head]
        else:
            lineage = scopes if kind == "attribute" else self._lineage(scopes)
            known = sorted({each for scope in lineage for each in self.names.get(scope, {})})
        return closest(name, known)

    def _lineage(self, classes: Sequence[str]) -> Iterator[str]:
        for name in classes:
            yield name
            yield from self.heads[name]["bases"] if name in self.heads else ()

    @staticmethod
    def _value(row: Row) -> Value | None:
        if row["kind"] in {"module", "class"} and row["ref"]:
            return Value(row["kind"], row["ref"])
        if row["kind"] == "function":
            keywords = row["keywords"]
            return Value("function", row["name"], None if keywords is None else tuple(keywords))
        return None


def is_private(name: str) -> bool:
    """Tell whether a name gets its class's name in front (Python reference, 6.2.1)."""
    return name.startswith("__") and not name.endswith("__")


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like this one, or "" if none is alike."""
    if len(name) > LONGEST:
        return ""
    return next(iter(difflib.get_close_matches(name, list(known), 1, CUTOFF)), "")
