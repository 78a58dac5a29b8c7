"""The canonical tree of a source: one set of bytes for one content.

A tree maps each path below the root to an entry: file, program (executable), link or folder. Names
that are not UTF-8 are carried with surrogate escapes. `source.tar` holds every entry, sorted by
name, with the same owner, time and form everywhere.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from assay.core.errors import UserError
from assay.core.files import atomic

# Git's own modes: the tree's identity is computed over them.
FOLDER, FILE, PROGRAM, LINK = 0o040000, 0o100644, 0o100755, 0o120000
# 2 January 1980: the first day that a zip file can hold in every time zone, for targets that zip.
FIXED_TIME = 315_619_200


@dataclass(frozen=True)
class Entry:
    """One member: git mode, and bytes (of a link: its target; of a folder: none)."""

    mode: int
    data: bytes = b""


Tree = Mapping[str, Entry]


def kind(entry: Entry) -> int:
    """Return FOLDER, LINK, PROGRAM or FILE; other permission bits do not count."""
    if entry.mode in (FOLDER, LINK):
        return entry.mode
    return PROGRAM if entry.mode & 0o100 else FILE


def shown(path: str) -> str:
    r"""Return a path fit for records and messages; bytes that are not UTF-8 become `\xNN`."""
    return encoded(path).decode("utf-8", "backslashreplace")


def encoded(text: str) -> bytes:
    """Return the bytes of a name; unlike `os.fsencode` the same in every locale."""
    return text.encode("utf-8", "surrogateescape")


def decoded(raw: bytes) -> str:
    """Return the name that the bytes stand for; unlike `os.fsdecode` the same in every locale."""
    return raw.decode("utf-8", "surrogateescape")


def ordered(paths: Iterable[str]) -> list[str]:
    """Return the paths in the order of their bytes; a folder comes before what it holds."""
    return sorted(paths, key=encoded)


def write(path: Path, tree: Tree) -> None:
    """Write the canonical tar, atomically."""
    with (
        atomic(path) as stream,
        tarfile.open(
            fileobj=stream, mode="w", format=tarfile.GNU_FORMAT,
            encoding="utf-8", errors="surrogateescape",
        ) as archive,
    ):  # fmt: skip
        for name in ordered(tree):
            archive.addfile(_header(name, tree[name]), io.BytesIO(tree[name].data))


def read(source_tar: Path) -> Iterator[tuple[str, Entry]]:
    """Yield the entries of a canonical tar in its order.

    Raises UserError if the file is missing, damaged or no canonical tar.
    """
    try:
        with tarfile.open(
            source_tar, mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as archive:
            for member in archive:
                yield member.name, _entry(archive, member, source_tar)
            _check_end(source_tar, archive.offset)
    except (OSError, tarfile.TarError) as error:
        raise UserError(
            "can't read the source tree", where=source_tar, given=error,
            hint="delete the file and run again: it is rebuilt",
        ) from error  # fmt: skip


def read_members(source_tar: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of every regular file, sorted by path (no links, no folders)."""
    for name, entry in read(source_tar):
        if kind(entry) in (FILE, PROGRAM):
            yield name, entry.data


def unpack(source_tar: Path, destination: Path) -> None:
    """Write the tree into a folder that is new or empty.

    Raises UserError if it holds something already, or if the tar is damaged.
    """
    destination.mkdir(parents=True, exist_ok=True)
    if any(destination.iterdir()):
        raise UserError(
            "the folder to unpack into is not empty", where=destination,
            hint="delete it and run again",
        )  # fmt: skip
    for name, entry in read(source_tar):
        # The name on the disk is the name's bytes, whatever the locale.
        _put(destination / os.fsdecode(encoded(name)), entry)


def _header(name: str, entry: Entry) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.mtime = FIXED_TIME
    header.mode = 0o755 if kind(entry) in (FOLDER, PROGRAM) else 0o644
    if entry.mode == FOLDER:
        header.type = tarfile.DIRTYPE
    elif entry.mode == LINK:
        header.type = tarfile.SYMTYPE
        header.linkname = decoded(entry.data)
    else:
        header.size = len(entry.data)
    return header


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo, where: Path) -> Entry:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or member.mtime != FIXED_TIME:
        raise UserError(
            "this is no canonical source tree", where=where, given=shown(member.name),
            hint="delete the file and run again: it is rebuilt",
        )  # fmt: skip
    if member.isdir():
        return Entry(FOLDER)
    if member.issym():
        return Entry(LINK, encoded(member.linkname))
    stream = archive.extractfile(member)
    data = stream.read() if stream else b""
    return Entry(PROGRAM if member.mode & 0o100 else FILE, data)


def _check_end(source_tar: Path, offset: int) -> None:
    # A tar that is cut short between two members reads like a smaller one, but lacks its end mark.
    with source_tar.open("rb") as stream:
        stream.seek(offset)
        end = stream.read()
    if not end or any(end):
        raise tarfile.ReadError("it is cut short or damaged")


def _put(path: Path, entry: Entry) -> None:
    if entry.mode == FOLDER:
        path.mkdir(parents=True)
        path.chmod(0o755)
        return
    if entry.mode == LINK:
        path.symlink_to(os.fsdecode(entry.data))
    else:
        path.write_bytes(entry.data)
        path.chmod(0o755 if kind(entry) == PROGRAM else 0o644)
    os.utime(path, (FIXED_TIME, FIXED_TIME), follow_symlinks=False)
