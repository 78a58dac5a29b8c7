"""The one error of the fuzz targets: a promise that an input breaks."""

from __future__ import annotations


class BrokenError(Exception):
    """A promise is broken; the message says which. Any other exception is a finding as well."""


def hold(kept: bool, promise: str) -> None:
    """Raise BrokenError if a promise is not kept."""
    if not kept:
        raise BrokenError(promise)
