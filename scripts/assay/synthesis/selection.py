"""Draws the final tasks of a target from all that were proven, in the mix that the config asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.core import seeds
from assay.synthesis import mix
from assay.synthesis.rows import Output, candidate_of_row

Row = Mapping[str, Any]
NOT_DRAWN = "not_drawn"
SHORT = "short_of_mix"
LAST = "~"  # sorts after every digest
CAPPED = frozenset({"control"})  # kinds that never stand in for another one


@dataclass
class _Draw:
    """The tasks of one category as they are drawn."""

    settings: Mapping[str, Any]
    pool: list[tuple[Row, Row]]
    chosen: list[tuple[Row, Row]] = field(default_factory=list)

    @property
    def tasks(self) -> Mapping[str, Any]:
        part: Mapping[str, Any] = self.settings["tasks"]
        return part

    def run(self) -> None:
        """Draw one after the other what the mix lacks most, spread over files."""
        while len(self.chosen) < self.tasks["per_category"]:
            possible = [pair for pair in self.pool if pair not in self.chosen and self._fits(pair)]
            if not possible:
                break
            self.chosen.append(min(possible, key=self._rank))

    def wanted(self, column: str) -> dict[str, int]:
        """Return value -> tasks asked for, of the column `stratum` or `kind`."""
        return mix.wanted(self.tasks, column, self.pool)

    def have(self, column: str, value: str) -> int:
        """Return how many drawn tasks have a value in a column of the keys."""
        return sum(key[column] == value for _, key in self.chosen)

    def _rank(self, pair: tuple[Row, Row]) -> tuple[Any, ...]:
        task, key = pair
        lacks = [self.wanted(name).get(key[name], 0) - self.have(name, key[name])
                 for name in ("kind", "stratum")]  # fmt: skip
        in_file = sum(task["path"] == other["path"] for other, _ in self.chosen)
        draw = seeds.digest(self.settings["seed"], task["task_id"])
        same = self._same(key)
        return (lacks[0] <= 0, lacks[1] <= 0, in_file, same, -lacks[1], -lacks[0], draw)

    def _same(self, key: Row) -> int:
        """Return how many more drawn tasks of its operator are of its kind than of another.

        Were one weakness mostly vulnerable, and another mostly clean, its name would tell.
        """
        kinds = [other["kind"] for _, other in self.chosen if other["operator"] == key["operator"]]
        return 2 * kinds.count(key["kind"]) - len(kinds)

    def _fits(self, pair: tuple[Row, Row]) -> bool:
        task, key = pair
        most, kind = self.tasks["per_file"], key["kind"]
        in_file = sum(task["path"] == other["path"] for other, _ in self.chosen)
        if most and in_file >= most:
            return False
        if any(key["unit_id"] == other["unit_id"] for _, other in self.chosen):
            return False
        if kind in CAPPED and self.have("kind", kind) >= self.wanted("kind").get(kind, 0):
            return False
        deleted = sum(mix.deletes(other) for _, other in self.chosen)
        room = self.tasks["per_category"] * mix.DELETION_PERCENT // 100
        return not mix.deletes(key) or deleted < room


def select(shards: Sequence[Output], settings: Mapping[str, Any], target: str) -> Output:
    """Merge the shards and draw `per_category` tasks a category.

    What was proven and not drawn is rejected by `not_drawn`; a category, stratum or kind that
    could not be filled is said by a row of `short_of_mix`.
    """
    tasks = [row for shard in shards for row in shard.tasks]
    keys = {row["task_id"]: row for shard in shards for row in shard.keys}
    output = Output()
    for category in sorted(settings["tasks"]["categories"]):
        everything = [(row, keys[row["task_id"]]) for row in tasks if row["category"] == category]
        looked_at, last = _looked_at(everything, settings, category)
        pool = [pair for pair in looked_at if not mix.steered(pair[1])]
        draw = _Draw(settings, pool)
        draw.run()
        kept = [*draw.chosen, *_variants(draw.chosen, looked_at)]
        output.tasks += [dict(task) for task, _ in kept]
        output.keys += [dict(key) for _, key in kept]
        output.rejected += [
            dict(row) for shard in shards for row in shard.rejected
            if row["category"] == category
            and mix.rank(settings["seed"], category, row["unit_id"]) <= last
        ]  # fmt: skip
        output.rejected += [
            _row(target, candidate_of_row(key), key, NOT_DRAWN, "proven, and not needed")
            for task, key in looked_at if (task, key) not in kept
        ]  # fmt: skip
        output.rejected += _shortages(draw, category, target)
    return output


def _variants(chosen: Sequence[mix.Pair], pool: Sequence[mix.Pair]) -> list[mix.Pair]:
    """Return the paired variants of what was drawn: they come beside it and are not counted."""
    drawn = {mix.pair_of(key) for _, key in chosen if mix.pair_of(key)}
    return [pair for pair in pool if mix.steered(pair[1]) and mix.pair_of(pair[1]) in drawn]


def _looked_at(
    everything: Sequence[mix.Pair], settings: Mapping[str, Any], category: str
) -> tuple[list[mix.Pair], str]:
    """Return what was proven in the units up to the one with which there is enough, and its rank.

    Shards that went further than that by themselves are cut back to it.
    """

    def place(pair: mix.Pair) -> str:
        return mix.rank(settings["seed"], category, pair[1]["unit_id"])

    ordered = sorted(everything, key=place)
    for index, pair in enumerate(ordered):
        if mix.enough(settings["tasks"], ordered[: index + 1]):
            last = place(pair)
            return [other for other in ordered if place(other) <= last], last
    return ordered, LAST


def _shortages(draw: _Draw, category: str, target: str) -> list[dict[str, Any]]:
    asked, got = draw.tasks["per_category"], len(draw.chosen)
    notes = [("all", asked, got)] if got < asked else []
    for column in ("stratum", "kind"):
        for value, count in draw.wanted(column).items():
            have = draw.have(column, value)
            notes += [(f"{column} {value}", count, have)] if have < count else []
    return [
        {
            "target": target, "candidate_id": f"{category}:{name}", "category": category,
            "unit_id": "", "operator": "", "gate": SHORT,
            "reason": f"{name}: {count} asked for, {have} could be made",
        }
        for name, count, have in notes
    ]  # fmt: skip


def _row(target: str, candidate: str, key: Row, gate: str, reason: str) -> dict[str, Any]:
    return {
        "target": target, "candidate_id": candidate, "category": key["category"],
        "unit_id": key["unit_id"], "operator": key["operator"], "gate": gate, "reason": reason,
    }  # fmt: skip
