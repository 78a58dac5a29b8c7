"""The cache of archives, by SHA-256: an archive that is in it needs no network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from assay.core.errors import UserError
from assay.core.files import CHUNK, atomic, sha256_file
from assay.core.progress import say

DIGEST = re.compile(r"[0-9a-f]{64}")
MAX_BYTES = 4 << 30


def stored(cache: Path, digest: str, label: str, chunks: Callable[[], Iterable[bytes]]) -> Path:
    """Return the archive's place in the cache, after fetching it if it is not there.

    digest: the SHA-256 that it must have; label: its name, for messages
    chunks: called for the archive's bytes when they are needed
    Raises UserError, and keeps nothing, if the bytes have another digest.
    """
    if not DIGEST.fullmatch(digest):
        raise UserError(
            "a source archive is pinned by its whole sha256", where=label, given=digest,
            expected="64 hexadecimal digits in lower case",
        )  # fmt: skip
    place = cache / "archives" / digest
    if place.is_file():
        if sha256_file(place) == digest:
            return place
        say(f"{place} is damaged: it is fetched again")
        place.unlink(missing_ok=True)
    with atomic(place) as stream:
        state = hashlib.sha256()
        for chunk in _bounded(chunks(), label):
            state.update(chunk)
            stream.write(chunk)
        if state.hexdigest() != digest:
            raise wrong_digest(label, state.hexdigest(), digest)
    return place


def wrong_digest(label: str, given: str, expected: str) -> UserError:
    """Return the error for an archive that is not the pinned one."""
    return UserError(
        "the source archive is not the one that the target pins: its sha256 differs", where=label,
        given=given, expected=expected,
        hint="nothing was kept; find out which of the two is right before changing sha256",
    )  # fmt: skip


def local_chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of an archive on this machine; raise UserError if it can't be read."""
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise UserError(
            f"can't read the source archive: {error.strerror}", where=path,
            expected="the path of a package archive",
        ) from error  # fmt: skip


def local_path(text: Any) -> Path:
    """Return the path that a plain path or a `file://` address names."""
    address = str(text)
    if address.startswith("file:"):
        return Path(url2pathname(urlsplit(address).path))
    return Path(address).expanduser()


def _bounded(chunks: Iterable[bytes], label: str) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_BYTES:
            raise UserError(
                "the source archive does not end", where=label,
                expected=f"at most {MAX_BYTES} bytes",
            )  # fmt: skip
        yield chunk
