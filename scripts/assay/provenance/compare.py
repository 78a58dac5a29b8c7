"""The first difference between a published file and ours: table, row, column, both values."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.core import records
from assay.core.errors import AssayError, UserError
from assay.core.files import canonical_json, first_character, read_json
from assay.core.tables import read_table

SHOWN = 60  # characters of a value, from a little before the place where it differs
LEAD = 12
TABLES = {value.name: value for value in vars(records).values() if isinstance(value, records.Table)}

Row = Mapping[str, Any]
Tables = dict[str, tuple[Sequence[Row], Sequence[str]]]  # name -> rows, primary key


def difference(theirs: Path, ours: Path) -> str | None:
    """Return where two files first differ, in words; None if their bytes are equal."""
    if theirs.read_bytes() == ours.read_bytes():
        return None
    try:
        found = _inside(theirs, ours)
    except (AssayError, sqlite3.Error) as error:
        found = f"can't be read as {theirs.suffix.lstrip('.')}: {str(error).splitlines()[0]}"
    return found or f"the content is equal and the bytes are not, from {_byte(theirs, ours)} on"


def first_row(name: str, key: Sequence[str], theirs: Iterable[Row], ours: Iterable[Row]) -> str:
    """Return the first row and column, in the order of the primary key, that differ; else ""."""
    published, made = _by_key(theirs, key), _by_key(ours, key)
    for identity in sorted({*published, *made}):
        row = f"{name}, row {', '.join(f'{c}={v}' for c, v in zip(key, identity, strict=True))}"
        if identity not in made:
            return f"{row}: published, and not made here"
        if identity not in published:
            return f"{row}: made here, and not published"
        was, now = published[identity], made[identity]
        for column in was:
            if was[column] != now[column]:
                return f"{row}, column {column}{_values(was[column], now[column])}"
    return ""


def _inside(theirs: Path, ours: Path) -> str:
    kind = theirs.suffix
    if kind == ".parquet" and theirs.stem in TABLES:
        table = TABLES[theirs.stem]
        rows = [read_table(path, table) for path in (theirs, ours)]
        return first_row(table.name, table.primary_key, *rows)
    if kind == ".json":
        return next(_nested("", read_json(theirs), read_json(ours)), "")
    if kind == ".sqlite":
        was, now = _database(theirs), _database(ours)
        if set(was) != set(now):
            return f"tables {', '.join(sorted(was))} published, {', '.join(sorted(now))} here"
        found = (first_row(name, was[name][1], was[name][0], now[name][0]) for name in sorted(was))
        return next((text for text in found if text), "")
    return f"they differ from {_byte(theirs, ours)} on"


def _nested(path: str, was: Any, now: Any) -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted({*was, *now}):
            if name in was and name in now:
                yield from _nested(f"{path}.{name}".lstrip("."), was[name], now[name])
            else:
                side = "published, and not made here" if name in was else "made here only"
                yield f"{path}.{name}".lstrip(".") + f": {side}"
    elif canonical_json(was) != canonical_json(now):
        yield f"{path}{_values(was, now)}"


def _values(was: Any, now: Any) -> str:
    """Return both values, cut to where they differ; JSON text is compared part by part."""
    parts = [_json(was), _json(now)]
    if all(isinstance(part, dict) for part in parts):
        inner = next(_nested("", *parts), "")
        if inner:
            return f", in {inner}"
    texts = [value if isinstance(value, str) else canonical_json(value) for value in (was, now)]
    place = first_character(*texts)
    start = max(0, place - LEAD) if max(map(len, texts)) > SHOWN else 0
    shown = [repr(text[start : start + SHOWN]) for text in texts]
    where = f" (from character {start})" if start else ""
    return f": published {shown[0]}, here {shown[1]}{where}"


def _json(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("{"):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _by_key(rows: Iterable[Row], key: Sequence[str]) -> dict[tuple[str, ...], Row]:
    return {tuple(str(row[column]) for column in key): row for row in rows}


def _database(path: Path) -> Tables:
    """Read every table of a SQLite file, which is opened for reading only."""
    found: Tables = {}
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
        database.row_factory = sqlite3.Row
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            if name not in TABLES:
                raise UserError("a table that no run writes", where=path, given=name)
            rows = [dict(row) for row in database.execute(f'SELECT * FROM "{name}"')]  # noqa: S608 - a known name
            found[name] = rows, TABLES[name].primary_key
    return found


def _byte(theirs: Path, ours: Path) -> str:
    one, other = theirs.read_bytes(), ours.read_bytes()
    pairs = enumerate(zip(one, other, strict=False))
    place = next((index for index, (left, right) in pairs if left != right), None)
    if place is None:
        return f"the end of the shorter one ({len(one)} bytes published, {len(other)} here)"
    return f"byte {place}"
