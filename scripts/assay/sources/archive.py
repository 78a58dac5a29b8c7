"""Package archives (.tar, .tar.gz, .tar.bz2, .tar.xz, .zip, .whl) read into a tree.

Nothing in an archive is run, and nothing is written while it is read.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from assay.core.errors import UserError
from assay.sources.assembly import Assembly
from assay.sources.tree import FILE, FOLDER, LINK, PROGRAM, Entry, encoded

CHUNK = 1 << 20
KINDS = ".tar, .tar.gz, .tar.bz2, .tar.xz, .zip or .whl"
_OPENERS: tuple[tuple[bytes, Any], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
_DAMAGED = (
    OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    NotImplementedError, RuntimeError, ValueError, OverflowError, LookupError,
)  # fmt: skip


def read_archive(path: Path, label: str, limit: int) -> tuple[dict[str, Entry], str]:
    """Return the archive's tree, its top-level folder stripped, and its newest member's UTC time.

    label: the archive's name, for messages
    limit: bytes that it may unpack to
    Raises UserError for what is no archive, is damaged, too large or unsafe to unpack.
    """
    assembly = Assembly(label, limit)
    try:
        with path.open("rb") as stream:
            times = _read(stream, assembly)
    except _DAMAGED as error:
        raise UserError(
            "can't read the source archive: it is damaged, cut short or no archive", where=label,
            given=f"{type(error).__name__}: {error}", expected=f"a {KINDS} file",
            hint="compare the file with the original; its sha256 must be the original's",
        ) from error  # fmt: skip
    return assembly.tree(strip=True), max(times, default="")


def _read(stream: IO[bytes], assembly: Assembly) -> list[str]:
    start = stream.read(8)
    stream.seek(0)
    if start.startswith(b"PK"):
        with zipfile.ZipFile(stream) as archive:
            return list(_zip_members(archive, assembly))
    for magic, opener in _OPENERS:
        if start.startswith(magic):
            with opener(stream) as plain:
                return _read_tar(plain, assembly)
    return _read_tar(stream, assembly)


def _read_tar(stream: IO[bytes], assembly: Assembly) -> list[str]:
    guarded = _Guarded(stream, assembly)
    with tarfile.open(
        fileobj=guarded, mode="r|", encoding="utf-8", errors="surrogateescape"
    ) as archive:
        times = [_tar_member(archive, member, assembly) for member in archive]
    # Read to the end: the compressed form keeps its checksum there.
    while guarded.read(CHUNK):
        pass
    if not guarded.ends_at(archive.offset):
        raise EOFError("the archive has no end mark after its last readable member")
    return times


class _Guarded(io.RawIOBase):
    """Passes on the unpacked bytes of a tar, counts them, and notes where its content ends."""

    def __init__(self, stream: IO[bytes], assembly: Assembly) -> None:
        super().__init__()
        self.stream, self.assembly = stream, assembly
        self.total = self.content = 0

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.assembly.take(len(data))
        used = len(data.rstrip(b"\0"))
        self.content = self.total + used if used else self.content
        self.total += len(data)
        return data

    def ends_at(self, offset: int) -> bool:
        """Whether nothing but zeros, a block of them at least, stands there: the end mark.

        tarfile also stops, without a word, at a damaged header and at the end of a tar cut short.
        """
        return self.content <= offset <= self.total - tarfile.BLOCKSIZE


def _tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo, assembly: Assembly) -> str:
    if member.isdir():
        assembly.add(member.name, FOLDER)
    elif member.issym():
        assembly.add(member.name, LINK, encoded(member.linkname))
    elif member.islnk():
        twin = assembly.find(member.linkname)
        if twin is None or twin.mode == FOLDER:
            target = f"{member.name} -> {member.linkname}"
            raise assembly.refusal("a hard link leads to no file of the archive", target)
        assembly.take(len(twin.data))
        assembly.add(member.name, twin.mode, twin.data)
    elif member.isreg():
        if member.sparse is not None:
            assembly.take(member.size)  # its holes are not in the stream
        stream = archive.extractfile(member)
        data = stream.read() if stream else b""
        assembly.add(member.name, PROGRAM if member.mode & 0o111 else FILE, data)
    else:
        raise assembly.refusal("the archive holds a device or another special file", member.name)
    return _time(datetime.fromtimestamp, int(member.mtime), UTC)


def _zip_members(archive: zipfile.ZipFile, assembly: Assembly) -> Iterator[str]:
    for member in archive.infolist():
        mode = member.external_attr >> 16 if member.create_system == 3 else 0
        special = stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)
        if special:
            raise assembly.refusal("the archive holds a special file", member.filename)
        if member.is_dir():
            assembly.add(member.filename, FOLDER)
        else:
            kind = LINK if stat.S_ISLNK(mode) else PROGRAM if mode & 0o111 else FILE
            assembly.add(member.filename, kind, _unzipped(archive, member, assembly))
        # A zip knows no time zone; its times are taken for UTC.
        yield _time(datetime, *member.date_time, 0, UTC)


def _unzipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo, assembly: Assembly) -> bytes:
    parts = []
    with archive.open(member) as stream:
        while part := stream.read(CHUNK):
            assembly.take(len(part))
            parts.append(part)
    return b"".join(parts)


def _time(make: Callable[..., datetime], *fields: Any) -> str:
    try:
        moment = make(*fields)
    except (ValueError, OverflowError, OSError):
        return ""  # e.g. month 0, as some writers of zip files leave it: no time is known
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def own_metadata(tree: dict[str, Entry]) -> bytes | None:
    """Return the package's PKG-INFO (of an sdist) or METADATA (of a wheel), if there is one."""
    names = [path for path in tree if posixpath.dirname(path).endswith(".dist-info")]
    for path in ["PKG-INFO", *sorted(p for p in names if p.endswith("/METADATA"))]:
        if path in tree:
            return tree[path].data
    return None
