"""Reports names in a piece of code that the pinned environment does not have.

Precision goes before recall: what is not certain is not reported. So nothing is said of code that
is guarded (a `try` that catches, a test of platform or version), of names that the code sets or
asks for itself, and of values whose class does not show.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from assay.hallucinations.api import OPEN, UNKNOWN, Api, Value, closest
from assay.hallucinations.bindings import Bindings, bindings, literal
from assay.hallucinations.guards import is_guarded, names_in

KINDS = ("package", "module", "attribute", "keyword", "member")
BUILTINS = "builtins"
MOST, LONGEST = 100, 200  # inventions of an answer that are kept, characters of a name
DEEPEST = 20  # names, each made of the next, that are followed


@dataclass(frozen=True)
class Place:
    """Where a piece of code stands: module, whether it is a package's own, and the class.

    class_name is the qualified name of the class whose method the code is, or "".
    """

    module: str = ""
    is_package: bool = False
    class_name: str = ""


@dataclass(frozen=True, order=True)
class Invention:
    """A name that is not there: line of the code, one of KINDS, the name, the nearest real one."""

    line: int
    kind: str
    name: str
    nearest: str


def check(tree: ast.AST, api: Api, place: Place) -> list[Invention]:
    """Return the inventions of a piece of code, sorted, each once."""
    checker = _Checker(api, place, bindings(tree))
    checker.visit(tree)
    return sorted(set(checker.found))


class _Checker:
    def __init__(self, api: Api, place: Place, bound: Bindings) -> None:
        self.api, self.place, self.bound = api, place, bound
        self.classes = [place.class_name] if place.class_name else []
        self.found: list[Invention] = []
        self.guarded = 0
        self.resolving: set[str] = set()
        self.values: dict[str, Value | None] = {}

    def visit(self, node: ast.AST) -> Value | None:
        """Check a node and what is below it; return what it is, where that is certain."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node)
        elif isinstance(node, ast.Attribute):
            return self._attribute(node)
        elif isinstance(node, ast.Call):
            return self._call(node)
        elif isinstance(node, ast.arg):
            return None  # annotations need not exist when the code runs
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            return self._name(node.id)
        elif isinstance(node, ast.ClassDef):
            self._class(node)
        elif isinstance(node, ast.AnnAssign):
            for each in (node.target, node.value):
                self.visit(each) if each is not None else None
        elif is_guarded(node) or self._asks(node):
            self.guarded += 1
            self._below(node)
            self.guarded -= 1
        else:
            self._below(node)
            kind = literal(node)
            return Value("instance", f"{BUILTINS}:{kind}") if kind else None
        return None

    def _asks(self, node: ast.AST) -> bool:
        """Tell whether a test asks for something that was imported in a `try`."""
        tested = isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert)
        names = names_in(node.test) if tested else ()  # type: ignore[attr-defined]
        return any(name.id in self.bound.optional for name in names)

    def _below(self, node: ast.AST) -> None:
        returns = getattr(node, "returns", None)
        for child in ast.iter_child_nodes(node):
            if child is not returns:
                self.visit(child)

    def _class(self, node: ast.ClassDef) -> None:
        for each in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(each)
        self.classes.append(f"{self.classes[-1]}.{node.name}" if self.classes else node.name)
        for each in node.body:
            self.visit(each)
        self.classes.pop()

    def _report(self, node: ast.AST, kind: str, name: str, known: Sequence[str] = ()) -> None:
        """Note an invention; `known` are the scopes it was looked for in, or the keywords."""
        if self.guarded or len(self.found) >= MOST:
            return
        word = name if kind in {"package", "module"} else name.rpartition(".")[2]
        nearest = closest(word, known) if kind == "keyword" else self.api.nearest(word, kind, known)
        self.found.append(Invention(getattr(node, "lineno", 0), kind, name[:LONGEST], nearest))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._module(node, alias.name)
            return
        source = self._absolute("." * node.level + (node.module or ""))
        if not source or not self._module(node, source):
            return
        for alias in node.names:
            state, _ = (OPEN, None) if alias.name == "*" else self.api.attribute(source, alias.name)
            if state == UNKNOWN:
                self._report(node, "attribute", f"{source}.{alias.name}", [source])

    def _module(self, node: ast.AST, name: str) -> bool:
        if self.api.module(name) != UNKNOWN:
            return True
        known = name.partition(".")[0] in self.api.packages
        kind, shown = ("module", name) if known else ("package", name.partition(".")[0])
        self._report(node, kind, shown)
        return False

    def _absolute(self, source: str) -> str:
        """Return a module's full name; "" where it is relative to an unknown place."""
        name = source.lstrip(".")
        level = len(source) - len(name)
        if not level:
            return name
        parts = self.place.module.split(".") if self.place.module else []
        up = level - 1 if self.place.is_package else level
        if not parts or up >= len(parts) + (not name):
            return ""
        return ".".join([*parts[: len(parts) - up], *([name] if name else [])])

    def _name(self, name: str) -> Value | None:
        if name not in self.bound.found:
            return self._free(name)
        binding = self.bound.found[name]
        if binding is None or name in self.resolving or len(self.resolving) >= DEEPEST:
            return None
        how, node, dotted = binding
        if how == "import":
            return Value("module", dotted) if dotted in self.api.heads else None
        if how == "from":
            source, _, attribute = dotted.rpartition(" ")
            return self.api.attribute(self._absolute(source), attribute)[1]
        if how == "argument":
            return Value("self") if name == "self" and self.classes else None
        # Kept, so that names that are made of each other are not gone through again and again.
        if name not in self.values:
            self.values[name] = self._quietly(name, node)
        return self.values[name]

    def _quietly(self, name: str, node: ast.AST | None) -> Value | None:
        """Return what the one value of a name is; what is wrong with it is reported elsewhere."""
        before = list(self.found)
        self.resolving.add(name)
        value = self.visit(node) if node is not None else None
        self.resolving.discard(name)
        self.found = before
        return value if value and value.kind == "instance" else None

    def _free(self, name: str) -> Value | None:
        if self.bound.stars:
            return None
        if self.place.module and self.place.module in self.api.heads:
            state, value = self.api.attribute(self.place.module, name)
            if state != UNKNOWN:
                return value
        return self.api.attribute(BUILTINS, name)[1]

    def _attribute(self, node: ast.Attribute) -> Value | None:
        value = self.visit(node.value)
        if value is None or not isinstance(node.ctx, ast.Load):
            return None
        scopes, kind = self._scopes(value)
        if kind == "attribute":
            state, found = self.api.attribute(value.name, node.attr)
        elif value.kind == "class":
            state, found = self.api.of_class(value.name, node.attr)
        else:
            state, found = self.api.member(scopes, node.attr) if scopes else (OPEN, None)
        if state == UNKNOWN and node.attr not in self.bound.set_here:
            shown = ast.unparse(node) if kind == "attribute" else node.attr
            self._report(node, kind, shown, scopes)
        # What stands in a class under a name may be another thing on an instance.
        keep = found is not None and (value.kind != "self" or found.kind == "function")
        return found if keep else None

    def _scopes(self, value: Value) -> tuple[Sequence[str], str]:
        if value.kind == "module":
            return [value.name], "attribute"
        if value.kind == "self":
            own = f"{self.place.module}:{self.classes[-1]}"
            return (self.api.family(own) if own in self.api.heads else []), "member"
        return ([value.name] if value.kind in {"class", "instance"} else []), "member"

    def _call(self, node: ast.Call) -> Value | None:
        value = self.visit(node.func)
        for each in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(each)
        keywords, result = self.api.call(value) if value else (None, None)
        if keywords is not None and "**" not in keywords:
            for keyword in node.keywords:
                if keyword.arg is not None and keyword.arg not in keywords:
                    self._report(keyword, "keyword", keyword.arg, keywords)
        return result
