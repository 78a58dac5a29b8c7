"""The canonical tar: one set of bytes for one content, and back again."""

import os
import subprocess
import sys
import tarfile

import pytest

from assay.core.errors import UserError
from assay.sources.tree import (
    FILE,
    FIXED_TIME,
    FOLDER,
    LINK,
    PROGRAM,
    Entry,
    read,
    read_members,
    shown,
    unpack,
    write,
)

TREE = {
    "b": Entry(FOLDER),
    "b/x\udcff": Entry(FILE, b"1"),
    "b.py": Entry(FILE, b"pass\n"),
    "b-é": Entry(PROGRAM, b"#!"),
    "l": Entry(LINK, b"b/x\xff"),
    "long" * 40: Entry(FILE, b"2"),
}
IN_OTHER_LOCALE = """
import sys
from pathlib import Path
from assay.sources.swhid import directory
from assay.sources.tree import Entry, FILE, LINK, read, unpack, write
assert sys.getfilesystemencoding() == "ascii", "the variation has not arrived"
tree = dict(read(Path(sys.argv[1])))
write(Path(sys.argv[2]), tree)
unpack(Path(sys.argv[1]), Path(sys.argv[3]))
print(directory(tree))
"""


def test_the_order_of_members_and_the_machine_do_not_matter(tmp_path):
    write(tmp_path / "1.tar", TREE)
    old = os.umask(0o077)
    write(tmp_path / "2.tar", dict(reversed(TREE.items())))
    os.umask(old)
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()
    with tarfile.open(tmp_path / "1.tar", encoding="utf-8") as archive:
        members = archive.getmembers()
    names = [os.fsencode(member.name) for member in members]
    assert names == sorted(names)
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {
        (FIXED_TIME, 0, 0, "", "")
    }
    assert {m.mode for m in members if m.isfile() and m.name != "b-é"} == {0o644}
    assert {m.mode for m in members if m.isdir() or m.name == "b-é"} == {0o755}


def test_what_is_written_is_read_and_unpacked(tmp_path):
    path = tmp_path / "source.tar"
    write(path, TREE)
    assert dict(read(path)) == TREE
    assert [name for name, _ in read_members(path)] == ["b-é", "b.py", "b/x\udcff", "long" * 40]
    old = os.umask(0o077)
    unpack(path, tmp_path / "there")
    os.umask(old)
    there = tmp_path / "there"
    assert (there / "l").readlink() == there.joinpath("b/x\udcff").relative_to(there)
    assert (there / "l").read_bytes() == b"1"
    assert [(there / name).stat().st_mode & 0o777 for name in ("b", "b-é", "b.py")] == [
        0o755, 0o755, 0o644,
    ]  # fmt: skip
    assert (there / "b.py").stat().st_mtime == FIXED_TIME
    with pytest.raises(UserError, match="not empty"):
        unpack(path, there)


def test_a_locale_that_is_not_utf8_changes_nothing(tmp_path, root):
    path = tmp_path / "source.tar"
    write(path, TREE)
    environment = {
        "PATH": os.environ["PATH"], "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0", "PYTHONPATH": str(root / "scripts"),
    }  # fmt: skip
    found = subprocess.run(
        [sys.executable, "-c", IN_OTHER_LOCALE, path, tmp_path / "again.tar", tmp_path / "there"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    from assay.sources.swhid import directory

    assert found.stdout.strip() == directory(TREE)
    assert (tmp_path / "again.tar").read_bytes() == path.read_bytes()
    assert (tmp_path / "there" / "b-é").is_file()


def test_a_damaged_or_foreign_tar_is_refused(tmp_path):
    path = tmp_path / "source.tar"
    write(path, TREE)
    whole = path.read_bytes()
    for cut in (0, 100, 512, 1024, 1300, 3 * 512):
        path.write_bytes(whole[:cut])
        with pytest.raises(UserError, match="can't read the source tree"):
            list(read(path))
    path.write_bytes(whole[:1536] + b"?" + whole[1537:])  # a header that reads like no member
    with pytest.raises(UserError, match="can't read the source tree"):
        list(read(path))
    with pytest.raises(UserError, match="can't read the source tree"):
        list(read(tmp_path / "absent"))
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("../up"))
    with pytest.raises(UserError, match="no canonical source tree"):
        unpack(path, tmp_path / "there")
    assert not (tmp_path / "up").exists()


def test_names_are_shown_in_a_form_that_every_record_can_hold():
    assert shown("a\udcff é") == "a\\xff é"
