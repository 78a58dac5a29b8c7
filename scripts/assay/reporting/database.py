"""All tables of a run as one SQLite file, the same bytes for the same rows."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.core.files import canonical_json, write_bytes
from assay.core.records import Table

PAGE_SIZE = 4096

Content = Iterable[tuple[Table, Sequence[Mapping[str, Any]]]]


def write_database(path: Path, content: Content) -> None:
    """Write the tables, in the order given, rows sorted by primary key, lists as JSON text.

    `VACUUM INTO` a fresh file leaves no trace of how the rows were put in.
    """
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "packed.sqlite"
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute(f"PRAGMA page_size = {PAGE_SIZE}")
            for table, rows in content:
                _put(database, table, rows)
            database.commit()
            database.execute("VACUUM INTO ?", (str(packed),))
        write_bytes(path, packed.read_bytes())


def _put(database: sqlite3.Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    names = table.schema.names
    columns = ", ".join(f'"{field.name}" {_type(field.type)}' for field in table.schema)
    key = ", ".join(f'"{name}"' for name in table.primary_key)
    database.execute(f'CREATE TABLE "{table.name}" ({columns}, PRIMARY KEY ({key}))')
    marks = ", ".join("?" for _ in names)
    ordered = sorted(rows, key=lambda row: [str(row[name]) for name in table.primary_key])
    database.executemany(
        f'INSERT INTO "{table.name}" VALUES ({marks})',  # noqa: S608 - the name is a constant of ours
        ([_value(row[name]) for name in names] for row in ordered),
    )


def _type(kind: pa.DataType) -> str:
    return "INTEGER" if kind in (pa.int64(), pa.bool_()) else "TEXT"


def _value(value: Any) -> Any:
    return canonical_json(value) if isinstance(value, list) else value
