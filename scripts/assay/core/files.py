"""The one writer of canonical files: atomic, and the same bytes for the same content."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from assay.core.errors import UserError

CHUNK = 1 << 20
HALF = ".tmp"  # what a file that is being written ends with


def canonical_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON with sorted keys, LF and no NaN; compact unless `indent` is given.

    Raises ValueError for NaN or infinity, TypeError for what JSON can't hold.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False,
        indent=indent, separators=separators,
    )  # fmt: skip


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """Open a uniquely named temporary file that becomes `path` on success only.

    Raises UserError when the disk is full or the folder can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=HALF)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary = Path(name)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def sweep(root: Path) -> list[Path]:
    """Remove and return what writes that were killed half-way have left below `root`.

    Nobody may be writing there meanwhile.
    """
    left = sorted(path for path in root.rglob(f".*{HALF}") if path.is_file())
    for path in left:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error
    return left


def unwritable(path: Path, error: OSError) -> UserError:
    """Return the error for a file that can't be written, which names it."""
    return UserError(
        f"can't write the file: {error.strerror}", where=path,
        hint="free some space or mend the folder's permissions, then run again; "
        "finished steps are kept",
    )  # fmt: skip


def write_bytes(path: Path, data: bytes) -> None:
    """Write the bytes atomically."""
    with atomic(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Write the text as UTF-8, atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write canonical, indented JSON that ends with one LF."""
    write_text(path, canonical_json(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; raise UserError that names the file if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("can't read the JSON file", where=path, given=error) from error


def sha256_file(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            state.update(chunk)
    return state.hexdigest()


def sha256_text(text: str) -> str:
    """Return the hex SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def first_character(one: str, other: str) -> int:
    """Return the index of the first character that differs (the shorter length if none does)."""
    pairs = enumerate(zip(one, other, strict=False))
    shorter = min(len(one), len(other))
    return next((index for index, (left, right) in pairs if left != right), shorter)
