"""Edge mutators: small changes of a scenario's arguments that reach the edges of a specification.

They work on encodings (`core.codec`), know nothing of the target, and are looked up by name.
A node is a value inside the arguments of the constructor or of a call, at most DEPTH_MAX deep.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DEPTH_MAX = 6
ADDED_KEY = "unexpected"
PLACEHOLDER = "$"
NESTED = "nested"
MATCHED = "matched"

Node = Any
Place = tuple[int | str, ...]
Data = Mapping[str, Any]


def none(_: Node) -> list[Node]:
    """`None` in the place of a value."""
    return [None]


def false(node: Node) -> list[Node]:
    """`False` in the place of a value; `True` in the place of `False`."""
    return [node is False]


def zero(_: Node) -> list[Node]:
    """`0` in the place of a value: falsy, and not missing."""
    return [["int", "0"]]


def empty_text(_: Node) -> list[Node]:
    """`''` in the place of a value."""
    return [""]


def empty_list(_: Node) -> list[Node]:
    """`[]` in the place of a value."""
    return [["list", []]]


def empty_dict(_: Node) -> list[Node]:
    """`{}` in the place of a value."""
    return [["dict", []]]


def wrong_type(node: Node) -> list[Node]:
    """A value of another type: a number becomes text, all else a number."""
    return ["text"] if _kind(node) in ("int", "float") else [["int", "7"]]


def key_removed(node: Node) -> list[Node]:
    """A dict without one of its keys, for each key."""
    if _kind(node) != "dict":
        return []
    pairs = node[1]
    return [["dict", [*pairs[:at], *pairs[at + 1 :]]] for at in range(len(pairs))]


def key_added(node: Node) -> list[Node]:
    """A dict with a key that nothing expects."""
    if _kind(node) != "dict" or any(key == ADDED_KEY for key, _ in node[1]):
        return []
    return [["dict", [*node[1], [ADDED_KEY, "text"]]]]


def one_more(node: Node) -> list[Node]:
    """A number plus one, a text or list longer by one: over a boundary."""
    return _stepped(node, 1)


def one_less(node: Node) -> list[Node]:
    """A number minus one, a text or list shorter by one: under a boundary."""
    return _stepped(node, -1)


MUTATORS: dict[str, Callable[[Node], list[Node]]] = {
    function.__name__: function
    for function in (
        none, false, zero, empty_text, empty_list, empty_dict, wrong_type, key_removed, key_added,
        one_more, one_less,
    )
}  # fmt: skip


@dataclass(frozen=True)
class Site:
    """One change that can be made: which mutator, where, and the new value."""

    mutator: str
    place: Place
    turn: int
    new: Node = field(compare=False)

    @property
    def name(self) -> str:
        """Return the site's identity within its scenario."""
        return f"{self.mutator} {self.place} {self.turn}"


def sites(data: Data, nest: Mapping[str, Any] | None = None) -> list[Site]:
    """Return every change of a scenario's data, in the order of the places.

    nest: how the target nests: encodings {"init": …, "call": …} with "$" where the constructor's
    and each call's first argument go; without it nothing is nested.
    """
    found = [
        Site(name, place, turn, changed)
        for place, node in _places(data)
        for name, mutator in MUTATORS.items()
        for turn, changed in enumerate(mutator(node))
        if changed != node
    ]
    found += _matched(data)
    return [*found, Site(NESTED, (), 0, nest)] if nest and _nested(data, nest) else found


def _matched(data: Data) -> list[Site]:
    """Return the changes of a number into another number or length of the scenario: a boundary."""
    places = list(_places(data))
    numbers = {int(node[1]) for _, node in places if _kind(node) == "int"}
    numbers |= {_length(node) for _, node in places} - {0}
    return [
        Site(MATCHED, place, turn, ["int", str(number)])
        for place, node in places if _kind(node) == "int"
        for turn, number in enumerate(sorted(numbers)) if number != int(node[1])
    ]  # fmt: skip


def _length(node: Node) -> int:
    kind = _kind(node)
    if kind == "str":
        return len(node)
    if kind == "bytes":
        return len(node[1]) // 2
    return len(node[1]) if kind in ("list", "tuple", "dict") else 0


def mutated(data: Data, site: Site) -> Data:
    """Return the scenario's data with one change made."""
    if site.mutator == NESTED:
        return _nested(data, site.new) or data
    return replaced(data, site.place, site.new)


def dicts(data: Data) -> list[tuple[Place, Node]]:
    """Return the dicts inside a scenario's arguments with their places."""
    return [(place, node) for place, node in _places(data) if _kind(node) == "dict"]


def _places(data: Data) -> Iterator[tuple[Place, Node]]:
    if data["init"]:
        for part, arguments in enumerate(data["init"]):
            yield from _inside(arguments, ("init", part), 0)
    for index, (_, *call) in enumerate(data["calls"]):
        for part, arguments in enumerate(call):
            yield from _inside(arguments, ("calls", index, part + 1), 0)


def _inside(node: Node, place: Place, depth: int) -> Iterator[tuple[Place, Node]]:
    """Yield the values in a node (not itself), each after the node that holds it."""
    if _kind(node) == "new":  # the arguments that an object of the target is made with
        for part in (1, 2):
            yield from _inside(node[1][part], (*place, 1, part), depth + 1)
    if depth > DEPTH_MAX or _kind(node) not in ("list", "tuple", "dict"):
        return
    for index, item in enumerate(node[1]):
        inner: Place = (*place, 1, index)
        value = item
        if node[0] == "dict":
            inner, value = (*inner, 1), item[1]
        yield inner, value
        yield from _inside(value, inner, depth + 1)


def replaced(data: Data, place: Place, new: Node) -> Data:
    """Return the scenario's data with another value at a place."""
    changed = copy.deepcopy(dict(data))
    holder: Any = changed
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = copy.deepcopy(new)
    return changed


def _nested(data: Data, nest: Mapping[str, Any]) -> Data | None:
    """Wrap the first arguments by the target's own form of one level of nesting."""
    changed = copy.deepcopy(dict(data))
    heads = [(changed["init"] or [None])[0], *(call[1] for call in changed["calls"])]
    for head, template in zip(heads, [nest["init"], *[nest["call"]] * len(heads)], strict=False):
        if _kind(head) != "list" or not head[1] or _kind(head[1][0]) != "dict":
            return None
        head[1][0] = _filled(template, head[1][0])
    return changed


def _filled(template: Node, value: Node) -> Node:
    if template == PLACEHOLDER:
        return value
    return [_filled(item, value) for item in template] if isinstance(template, list) else template


def _kind(node: Node) -> str:
    return str(node[0]) if isinstance(node, list) else type(node).__name__


def _stepped(node: Node, step: int) -> list[Node]:
    kind = _kind(node)
    if kind == "int":
        return [["int", str(int(node[1]) + step)]]
    if kind == "float":
        return [["float", (float.fromhex(node[1]) + step).hex()]]
    if kind == "str":
        return [node + "x" if step > 0 else node[:-1]]
    if kind == "bytes":  # in hexadecimal digits, two a byte
        return [["bytes", node[1] + "78" if step > 0 else node[1][:-2]]]
    if kind in ("list", "tuple") and node[1]:
        return [[kind, [*node[1], node[1][-1]] if step > 0 else node[1][:-1]]]
    return []
