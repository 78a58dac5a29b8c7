"""The one writer of Parquet: fixed schema, total order, fixed layout.

The bytes depend on the rows alone: rows are sorted by the table's primary key, columns are
rebuilt as single chunks, and row-group size, codec, level, page size and format version are
constants (pyarrow's version is pinned by the lock of the image that writes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.core.errors import HarnessError, UserError
from assay.core.files import atomic
from assay.core.records import Table

ROW_GROUP_ROWS = 4096
ZSTD_LEVEL = 3

Row = Mapping[str, Any]


def write_table(path: Path, table: Table, rows: Iterable[Row]) -> None:
    """Write rows (dicts with exactly the table's columns) sorted by the primary key.

    Raises HarnessError for an unknown or missing column or a repeated key.
    """
    columns = set(table.schema.names)
    ordered = sorted(rows, key=lambda row: _key(table, row))
    for before, after in pairwise(ordered):
        if _key(table, before) == _key(table, after):
            raise HarnessError(f"{table.name}: the primary key repeats: {_key(table, after)}")
    for row in ordered:
        if set(row) != columns:
            raise HarnessError(f"{table.name}: columns differ: {sorted(set(row) ^ columns)}")
    arrays = [
        pa.array([row[field.name] for row in ordered], type=field.type) for field in table.schema
    ]
    content = pa.Table.from_arrays(arrays, schema=table.schema)
    with atomic(path) as stream:
        pq.write_table(
            content, stream, row_group_size=ROW_GROUP_ROWS, compression="zstd",
            compression_level=ZSTD_LEVEL, version="2.6", data_page_version="1.0",
            write_statistics=True, store_schema=False,
        )  # fmt: skip


def read_table(path: Path, table: Table) -> list[dict[str, Any]]:
    """Return the rows as dicts, in file order.

    Raises UserError that names the file if it is missing, damaged or of another schema.
    """
    try:
        content = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(
            f"can't read the {table.name} table", where=path, given=error,
            hint="delete the file and run again: it is rebuilt",
        ) from error  # fmt: skip
    if content.schema.names != table.schema.names:
        raise UserError(
            f"this is no {table.name} table", where=path, given=content.schema.names,
            expected=table.schema.names, hint="delete the file and run again: it is rebuilt",
        )  # fmt: skip
    rows: list[dict[str, Any]] = content.to_pylist()
    return rows


def _key(table: Table, row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in table.primary_key)
