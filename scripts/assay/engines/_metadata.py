"""What a GGUF file tells of itself: its shape, and how many numbers it holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gguf import GGUFReader

from assay.core.errors import UserError
from assay.engines import _shape

BROKEN = (ValueError, KeyError, IndexError, OverflowError, OSError, TypeError)


@contextmanager
def readable(where: str, expected: str) -> Iterator[None]:
    """Raise UserError in place of what a damaged file makes its reader raise."""
    try:
        yield
    except BROKEN as error:
        raise UserError(
            "the weights' metadata can't be read", where=f"{where}: weights",
            given=f"{type(error).__name__}: {error}", expected=expected,
            hint="name other weights, or fetch these anew: delete them in the cache",
        ) from error  # fmt: skip


def shape_of(weights: Path, where: str, number: int | None = None) -> _shape.Shape:
    """Return the shape of a GGUF file; raise UserError if its metadata can't be read.

    number: bytes that each number of it becomes; None where it is loaded as it is
    """
    with readable(where, "a whole GGUF file of a text model"):
        reader = GGUFReader(weights)
        fields = {name: field.contents() for name, field in reader.fields.items()}
        stored = sum(int(tensor.n_bytes) for tensor in reader.tensors)
        shape = _shape.of_gguf(fields, stored)
        if number is None:
            return shape
        numbers = sum(int(tensor.n_elements) for tensor in reader.tensors)
        return replace(shape, weights=numbers * number)
