"""All that the report is made of, read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.core import registry
from assay.core.files import read_json
from assay.core.records import Table
from assay.core.tables import read_table

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Inputs:
    """The summary, the rows of each table by its name; fingerprint, memory, prices by model."""

    run: str
    asked: Mapping[str, Any]
    summary: Mapping[str, Any]
    rows: Mapping[str, list[Row]]
    fingerprints: Mapping[str, Mapping[str, Any]]
    memory: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def models(self) -> list[str]:
        """Return the names of the models, real ones first."""
        names = sorted(self.summary["models"])
        return sorted(names, key=lambda name: (name in self.references, name))

    @property
    def references(self) -> list[str]:
        """Return the models that are reference solvers, by the engine in their fingerprint."""
        return [name for name, record in sorted(self.fingerprints.items()) if _reference(record)]

    def of_model(self, table: str, model: str) -> list[Row]:
        """Return the rows of one model."""
        return [row for row in self.rows[table] if row["model"] == model]


def read_rows(paths: Iterable[Path], table: Table) -> list[Row]:
    """Return the rows of several files of one table, in the order of its primary key."""
    rows: list[Row] = [row for path in paths for row in read_table(path, table)]
    return sorted(rows, key=lambda row: [str(row[name]) for name in table.primary_key])


def read_records(paths: Iterable[Path]) -> dict[str, Mapping[str, Any]]:
    """Return model -> record, of JSON files whose folders have the models' names."""
    return {path.parent.name: read_json(path) for path in sorted(paths)}


def flat(record: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return a nested record as (dotted name, value as text) pairs, sorted by name."""
    if isinstance(record, Mapping):
        items = sorted(record.items())
        return [pair for name, value in items for pair in flat(value, f"{prefix}.{name}")]
    if isinstance(record, list):
        return [(prefix.lstrip("."), ", ".join(str(item) for item in record))]
    return [(prefix.lstrip("."), str(record))]


def _reference(record: Mapping[str, Any]) -> bool:
    name = record.get("fingerprint", {}).get("engine")
    if name not in registry.names("engines"):
        return False
    return bool(registry.load("engines", str(name)).REFERENCE)
