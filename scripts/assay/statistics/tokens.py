"""A bag-of-tokens classifier: how well do counts of words alone tell two kinds of texts apart?

Multinomial naive Bayes with add-one smoothing (Manning, Raghavan, Schütze, Introduction to
Information Retrieval, 2008, section 13.2), left out one group at a time. Its products of
probabilities are compared as exact integers, so that the figure is the same on every machine.
The two kinds count as equally likely beforehand, and as many samples of each are counted: else
what is left after leaving a group out would tell which kind was left out (of twenty equal texts,
each would be called the other kind, since that one is known by one sample more).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from assay.core.seeds import shuffled
from assay.statistics.intervals import fixed

KINDS = (True, False)
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Sample:
    """A text of one of two kinds, and the group that it is left out with."""

    group: str
    kind: bool
    text: str


Bag = tuple[Sample, Counter[str]]


def tokens(text: str) -> Counter[str]:
    """Return how often each word and each other sign but white space occurs."""
    return Counter(_TOKEN.findall(text))


def told_apart(samples: Sequence[Sample]) -> dict[str, float | int | None]:
    """Return {"total", "right", "ties", "share"} of a classifier that never saw the group.

    share: right answers among all, a tie as half of one; 0.5 is chance, null for no samples. A
    group without samples of both kinds outside of it is a tie.
    """
    bags = [(sample, tokens(sample.text)) for sample in samples]
    whole = {kind: _sum(bag for own, bag in bags if own.kind is kind) for kind in KINDS}
    right = ties = 0
    for group in sorted({sample.group for sample in samples}):
        held = [item for item in bags if item[0].group == group]
        spare = _surplus([item for item in bags if item[0].group != group], group)
        seen = {
            kind: whole[kind] - _sum(bag for one, bag in (*held, *spare) if one.kind is kind)
            for kind in KINDS
        }
        for one, bag in held:
            verdict = _more_like(bag, seen)
            ties += verdict is None
            right += verdict is one.kind
    total = len(bags)
    share = fixed((2 * right + ties) / (2 * total)) if total else None
    return {"total": total, "right": right, "ties": ties, "share": share}


def by_chance(samples: Sequence[Sample], draws: int) -> float | None:
    """Return a permutation test's p: how often kinds dealt out at random are told as well.

    The draw as it is counts as one (Phipson and Smyth, 2010); None for no samples.
    """
    share = told_apart(samples)["share"]
    if share is None:
        return None
    as_good = 1
    for number in range(draws):
        order = shuffled(range(len(samples)), "deal", number)
        dealt = [
            replace(sample, kind=samples[place].kind)
            for sample, place in zip(samples, order, strict=True)
        ]
        as_good += (told_apart(dealt)["share"] or 0) >= share
    return fixed(as_good / (draws + 1))


def _surplus(bags: Sequence[Bag], group: str) -> list[Bag]:
    """Return a draw of those samples that the more frequent kind has too many of."""
    of_kind = {kind: [item for item in bags if item[0].kind is kind] for kind in KINDS}
    few = min(len(items) for items in of_kind.values())
    return [
        item for items in of_kind.values() if len(items) > few
        for item in shuffled(items, group, key=lambda item: (item[0].group, item[0].text))[few:]
    ]  # fmt: skip


def _sum(bags: Iterable[Counter[str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for bag in bags:
        found.update(bag)
    return found


def _more_like(bag: Counter[str], seen: dict[bool, Counter[str]]) -> bool | None:
    """Return the kind under which the bag is more probable, or None if neither is."""
    if not seen[True] or not seen[False]:
        return None
    known = len(seen[True] | seen[False])
    sizes = {kind: seen[kind].total() + known for kind in (True, False)}
    weight = {True: 1, False: 1}
    for token, count in sorted(bag.items()):
        if token in seen[True] or token in seen[False]:
            for kind in (True, False):
                weight[kind] *= ((seen[kind][token] + 1) * sizes[not kind]) ** count
    return None if weight[True] == weight[False] else weight[True] > weight[False]
