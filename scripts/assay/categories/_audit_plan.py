"""Which parameter, weakness, weave and place are tried for a unit, in a draw of the unit's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from assay.categories._types import Material, Row
from assay.categories._weave import Site, WeaveError, free_names, node_of, statements, weave
from assay.core.seeds import digest, fraction, seed, shuffled

CATEGORY = "security_audit"
PLAIN = frozenset({"@staticmethod", "@classmethod"})
LONG = ("hard", "adversarial")  # strata of units that are long enough to hide something in
WEIGHT = {"trivial": 1, "standard": 1, "hard": 2, "adversarial": 3}  # times the mix's share
HARD_LINES = 9  # fewest own lines of a unit that a hard or adversarial task is about
MOST_LINES = 150
TEXT_LIKE = frozenset({
    "field", "item", "key", "label", "name", "origin", "path", "rule", "source", "text", "title",
    "operator", "value", "url", "query", "prefix", "pattern", "message", "content", "string",
})  # fmt: skip
SINKS = frozenset({
    "eval", "exec", "compile", "open", "os.system", "os.popen", "__import__",
    "yaml.load", "yaml.unsafe_load",
})  # fmt: skip
SINK_HEADS = frozenset({
    "subprocess", "requests", "urllib", "http", "socket", "httpx", "jinja2", "xml", "lxml",
    "pickle", "marshal", "shelve",
})  # fmt: skip
SINK_METHODS = frozenset(
    {"execute", "executemany", "executescript", "render_template_string", "vformat"}
)


@dataclass(frozen=True)
class Attempt:
    """One weave at one place, with both twins' texts.

    twins: the woven vulnerable unit and its hardened twin
    """

    weakness: Any
    weave: Any
    site: Site
    twins: tuple[Any, Any]
    identity: str

    def candidate_id(self, kind: str) -> str:
        """Return the identity of one twin; it says nothing about its kind."""
        return f"{CATEGORY}:{digest(self.identity, kind)[:20]}"


def unsuitable(material: Material) -> tuple[str, str]:
    """Return (gate, reason) why no weakness is woven into the unit, or two empty texts."""
    unit = material.unit
    if unit["kind"] not in {"function", "method"} or unit["is_async"]:
        return "eligible", "no plain function or method"
    if set(unit["decorators"]) - PLAIN or "<locals>" in unit["qualname"]:
        return "eligible", "decorated or defined inside of a function"
    if not material.scenarios or unit["lines"] > MOST_LINES:
        return "eligible", "too long" if material.scenarios else "no scenario reaches it"
    node = node_of(material.bench.read(unit["path"]), unit)
    idle = all(isinstance(item, ast.Pass | ast.Raise) for item in statements(node))
    if idle or not parameters(unit, node):
        return "eligible", "it does nothing" if idle else "no parameter of its own"
    found = sinks(node)
    return ("already_weak", f"it calls {', '.join(found)}") if found else ("", "")


def strata(material: Material) -> list[str]:
    """Return the strata in the order in which they are tried, by a draw over the config's mix.

    A short unit can't be hard or adversarial, so a long one is so more often than the mix says.
    """
    unit, mix = material.unit, material.settings["tasks"]["strata"]
    long = unit["lines"] >= HARD_LINES
    weights = {
        name: mix.get(name, 0) * weight for name, weight in WEIGHT.items()
        if long or name not in LONG
    }  # fmt: skip
    draw = fraction(material.seed, unit["unit_id"], "stratum") * sum(weights.values())
    for name, weight in weights.items():
        draw -= weight
        if draw < 0:
            rest = [other for other in weights if other != name and weights[other]]
            return [name, *shuffled(rest, material.seed, unit["unit_id"], "strata")]
    return []


def sinks(node: ast.AST) -> list[str]:
    """Return the sorted names of dangerous calls that the unit makes already."""
    names = {ast.unparse(item.func) for item in ast.walk(node) if isinstance(item, ast.Call)}
    return sorted(
        name for name in names
        if name in SINKS or name.partition(".")[0] in SINK_HEADS
        or ("." in name and name.rpartition(".")[2] in SINK_METHODS)
    )  # fmt: skip


def parameters(unit: Row, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the parameters that may carry text, those that look like it first."""
    args = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    bound = unit["kind"] == "method" and "@staticmethod" not in unit["decorators"]
    own = args[1:] if bound else args
    text = [
        item.arg for item in own
        if item.arg in TEXT_LIKE or (item.annotation and ast.unparse(item.annotation) == "str")
    ]  # fmt: skip
    return [*text, *(item.arg for item in own if item.arg not in text)]


def attempts(material: Material, stratum: str, weaknesses: Sequence[Any]) -> Iterator[Attempt]:
    """Yield the stratum's attempts on the unit; each has another weakness, then other weaves."""
    unit, text = material.unit, material.bench.read(material.unit["path"])
    node = node_of(text, unit)
    ids = (material.seed, unit["unit_id"], stratum)
    order = shuffled(weaknesses, *ids, key=lambda item: str(item.name))
    for turn, weakness in enumerate([*order, *order]):
        fitting = [item for item in weakness.weaves if item.stratum == stratum]
        weaves = shuffled(fitting, *ids, weakness.name, key=lambda item: str(item.idiom))
        chosen = weaves[(turn // len(order)) % len(weaves)]
        parameter = _drawn_parameter(parameters(unit, node), turn, *ids)
        before = _place(node, parameter, stratum, *ids, turn)
        site = Site(unit, text, node, before, parameter)
        names = {**free_names(unit, node, *ids, turn), "param": parameter}
        try:
            twins = [weave(site, chosen.lines(vulnerable=flag), names) for flag in (True, False)]
        except WeaveError:
            continue
        identity = digest(*ids, weakness.name, chosen.idiom, parameter, before)
        yield Attempt(weakness, chosen, site, (twins[0], twins[1]), identity)


def _drawn_parameter(names: Sequence[str], turn: int, *ids: object) -> str:
    likely = [name for name in names if name in TEXT_LIKE] or list(names)
    return shuffled(likely, *ids, "parameter")[turn % len(likely)]


def _place(node: Any, parameter: str, stratum: str, *ids: object) -> int:
    """Return the statement to go before: the first, or in long tasks one further down.

    Never after a statement that may end the unit or gives the parameter another value.
    """
    last = 0
    for statement in statements(node)[:-1]:
        inside = list(ast.walk(statement))
        stored = {item.id for item in inside
                  if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)}  # fmt: skip
        if parameter in stored or isinstance(statement, ast.Return | ast.Raise):
            break
        last += 1
    return seed(*ids, "place") % (last + 1) if stratum in LONG else 0
