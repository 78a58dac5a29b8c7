"""Squashfs by the locked mksquashfs: the same made-up root gives the same bytes."""

from __future__ import annotations

import os
import time

import pytest

from assay.core.errors import HarnessError
from assay.core.files import sha256_file
from assay.images.pack import pack, unpack_image
from assay.images.store import tree_digest

pytestmark = pytest.mark.slow  # needs the locked mksquashfs of the cache

NAMES = ("b", "a", "ä", "c d", "z" * 200)


def make_root(folder, names=NAMES):
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text(name * 5000)
        (folder / name / "file").chmod(0o644)
        (folder / name / "link").symlink_to(f"../{names[0]}/file")
        (folder / name).chmod(0o755)
    os.link(folder / "a" / "file", folder / "hard")
    folder.chmod(0o755)
    return folder


def test_the_same_root_gives_the_same_bytes(tmp_path, tools, monkeypatch):
    first = make_root(tmp_path / "first")
    pack(first, tmp_path / "first.sqfs", tools)
    # Made in another order, at another time, elsewhere; other variables, umask and processors.
    second = make_root(tmp_path / "else" / "where" / "second", ("a", *reversed(NAMES[2:])))
    (second / "b").mkdir()
    (second / "b" / "file").write_text("b" * 5000)
    (second / "b" / "link").symlink_to("../b/file")
    for link in second.glob("*/link"):
        link.unlink()
        link.symlink_to("../b/file")
    os.utime(second / "b", (1, 1))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "17")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    cores, umask = os.sched_getaffinity(0), os.umask(0o077)
    os.sched_setaffinity(0, sorted(cores)[:1])
    try:
        pack(second, tmp_path / "second.sqfs", tools)
    finally:
        os.sched_setaffinity(0, cores)
        os.umask(umask)
    assert sha256_file(tmp_path / "first.sqfs") == sha256_file(tmp_path / "second.sqfs")


@pytest.mark.parametrize("change", ["content", "mode", "name"])
def test_another_root_gives_other_bytes(tmp_path, tools, change):
    root = make_root(tmp_path / "root")
    pack(root, tmp_path / "before.sqfs", tools)
    if change == "content":
        (root / "b/file").write_text("c" * 5000)
    elif change == "mode":
        (root / "b/file").chmod(0o755)
    else:
        (root / "b/file").rename(root / "b/fine")
    pack(root, tmp_path / "after.sqfs", tools)
    assert sha256_file(tmp_path / "before.sqfs") != sha256_file(tmp_path / "after.sqfs")


def test_what_is_unpacked_is_what_was_packed(tmp_path, tools):
    root = make_root(tmp_path / "root")
    pack(root, tmp_path / "x.sqfs", tools)
    unpack_image(tmp_path / "x.sqfs", tmp_path / "again", tools)
    assert tree_digest(tmp_path / "again") == tree_digest(root)


def test_a_torn_image_does_not_unpack(tmp_path, tools):
    pack(make_root(tmp_path / "root"), tmp_path / "x.sqfs", tools)
    (tmp_path / "x.sqfs").write_bytes((tmp_path / "x.sqfs").read_bytes()[:500])
    with pytest.raises(HarnessError, match="unsquashfs failed"):
        unpack_image(tmp_path / "x.sqfs", tmp_path / "again", tools)
