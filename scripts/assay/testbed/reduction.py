"""Smaller forms of recorded uses: a dict that is larger than its use needs loses what it can.

Test suites share fixtures: a schema of fifty fields of which one test looks at one. Such a use can
be neither shown nor read, and most of its mutants change what nobody looks at. The search for a
small form is Zeller's and Hildebrandt's delta debugging ("Simplifying and Isolating
Failure-Inducing Input", 2002), over the entries of the large dicts only: what stands in a small
one, such as the rules of one field, is what the use is about, even where the result is the same
without it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from assay.core.files import canonical_json
from assay.testbed.mutators import Node, Place, dicts, replaced

LARGE = 6  # entries: a dict that has more is looked at
LEFT = 2  # entries that stay in any case
TRIALS = 24  # smaller forms of one use that are tried, at most

Data = Mapping[str, Any]
Pairs = list[Any]
Search = Generator[Data, bool, Data]


def reduce_all(
    uses: Sequence[Data], same: Callable[[Sequence[tuple[int, Data]]], Sequence[bool]]
) -> list[Data]:
    """Return the smallest form found of each use, in their order; the use itself if there is none.

    same: told (index of the use, smaller form) pairs, says for each whether it does the same
    """
    found = list(uses)
    searches = {index: _search(use) for index, use in enumerate(uses)}
    waiting: dict[int, Data] = {}
    _advance(searches, waiting, found, dict.fromkeys(searches))
    while waiting:
        asked = sorted(waiting.items())
        answers = dict(zip((index for index, _ in asked), same(asked), strict=True))
        waiting = {}
        _advance(searches, waiting, found, answers)
    return found


def _advance(
    searches: dict[int, Search], waiting: dict[int, Data], found: list[Data],
    answers: Mapping[int, bool | None],
) -> None:  # fmt: skip
    """Tell each search its answer, and take its next question or its result."""
    for index, answer in answers.items():
        try:
            question = next(searches[index]) if answer is None else searches[index].send(answer)
        except StopIteration as ended:
            found[index] = ended.value
        else:
            waiting[index] = question


def _search(data: Data) -> Search:
    """Yield smaller forms, be told whether each does the same, return the smallest that does."""
    trials = TRIALS
    places = [place for place, node in dicts(data) if len(node[1]) > LARGE]
    for place in sorted(places, key=len, reverse=True):  # inner ones first: outer places stay true
        pairs: Pairs = list(_node_at(data, place)[1])
        spare = _unmentioned(data, place, pairs)
        parts = [spare] if spare else []
        while parts and trials:
            part = parts.pop(0)
            smaller = [pair for pair in pairs if pair not in part]
            trials -= 1
            if (yield replaced(data, place, ["dict", smaller])):
                pairs = smaller
                data = replaced(data, place, ["dict", pairs])
            elif len(part) > 1:
                middle = len(part) // 2
                parts += [part[:middle], part[middle:]]
    return data


def _unmentioned(data: Data, place: Place, pairs: Pairs) -> Pairs:
    """Return the entries that nothing else in the use names, directly or by what it names."""
    named = _scalars(replaced(data, place, None))
    kept: Pairs = []
    left = list(pairs)
    while True:
        new = [pair for pair in left if canonical_json(pair[0]) in named]
        if not new:
            break
        kept += new
        left = [pair for pair in left if pair not in new]
        named |= _scalars([pair[1] for pair in new])
    return left[max(0, LEFT - len(kept)) :]


def _scalars(node: Node) -> set[str]:
    """Return the encodings of all that stands in a node and holds nothing else."""
    if isinstance(node, Mapping):
        return set().union(*(_scalars(item) for item in node.values()))
    if not isinstance(node, list):
        return {canonical_json(node)}
    inner = set().union(*(_scalars(item) for item in node))
    return inner | {canonical_json(node)} if len(canonical_json(node)) < 80 else inner


def _node_at(data: Data, place: Place) -> Node:
    node: Any = data
    for step in place:
        node = node[step]
    return node
