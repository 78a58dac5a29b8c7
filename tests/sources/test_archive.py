"""Package archives of every kind give one tree; unsafe and damaged ones give a clear error."""

import contextlib
import os
import random
import tarfile
import zipfile

import pytest

from assay.core.errors import UserError
from assay.sources.archive import read_archive
from assay.sources.tree import FILE, FOLDER, LINK, PROGRAM, Entry
from assay.sources.tree import write as write_tree

ENDINGS = (".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".zip")
MEGABYTE = 1_000_000


def entries(path, limit=MEGABYTE):
    return read_archive(path, path.name, limit)[0]


def refusal(path, limit=MEGABYTE):
    with pytest.raises(UserError) as caught:
        read_archive(path, path.name, limit)
    details = caught.value.details
    assert details["where"] == path.name
    assert details["hint"]
    return caught.value


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_kind_of_archive_gives_the_same_canonical_tar(ending, files, packed, tmp_path):
    read, newest = read_archive(packed(files, f"demo-1.0{ending}"), "demo", MEGABYTE)
    assert newest.startswith("2017-07-14T02:40:00")
    assert {path: entry for path, entry in read.items() if entry.mode != FOLDER} == files
    write_tree(tmp_path / "1", read)
    folders = {path: Entry(FOLDER) for path in ("demo", "demo/data", "tests")}
    write_tree(tmp_path / "2", files | folders)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_only_a_wrapping_folder_is_taken_off(tar, member):
    assert set(entries(tar(member("demo/__init__.py"), member("demo/a.py")))) == {
        "demo", "demo/__init__.py", "demo/a.py",
    }  # fmt: skip
    assert set(entries(tar(member("demo-1.0/__init__.py")))) == {"__init__.py"}
    assert set(entries(tar(member("a.py"), member("d/b.py")))) == {"a.py", "d", "d/b.py"}
    assert set(entries(tar(member("a.dist-info/METADATA")))) == {
        "a.dist-info",
        "a.dist-info/METADATA",
    }


def test_a_hard_link_within_the_archive_is_the_file_again(tar, member):
    link = member("d/b", type=tarfile.LNKTYPE, linkname="d/a")
    tree = entries(tar(member("d/a", b"1", 0o755), link))
    assert tree == {"a": Entry(PROGRAM, b"1"), "b": Entry(PROGRAM, b"1")}


def test_names_that_differ_in_case_or_are_not_utf8_are_all_kept(tar, member):
    path = tar(member("d/README"), member("d/readme"), member("d/x\udcff"), form=tarfile.GNU_FORMAT)
    assert set(entries(path)) == {"README", "readme", "x\udcff"}


UNSAFE = [
    ({"name": "d/../../up"}, "leaves its root"),
    ({"name": ".."}, "leaves its root"),
    ({"name": "/etc/passwd"}, "absolute name"),
    ({"name": "d/.git/config"}, "git's own folder"),
    ({"name": "d/.GIT/hooks/post-checkout"}, "git's own folder"),
    ({"name": "."}, "without a name"),
    ({"name": "d/a"}, "same name twice"),
    ({"name": "d/a/b"}, "as file and as folder"),
    ({"name": "d/" + "x" * 256}, "name of over 255 bytes"),
    ({"name": "d/" + "é" * 128}, "name of over 255 bytes"),
    ({"name": "d/" * 600 + "x"}, "1024 in all"),
    ({"name": "d/" * 200_000 + "x"}, "name of over 1024 bytes"),
    ({"name": "d/l", "type": tarfile.SYMTYPE, "linkname": "../.."}, "link leaves"),
    ({"name": "d/l", "type": tarfile.SYMTYPE, "linkname": "../d/a"}, "link leaves"),
    ({"name": "d/l", "type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "link leaves"),
    ({"name": "d/l", "type": tarfile.SYMTYPE, "linkname": "new/../../x"}, "link leaves"),
    ({"name": "d/l", "type": tarfile.SYMTYPE, "linkname": ""}, "no possible name"),
    ({"name": "d/l", "type": tarfile.SYMTYPE, "linkname": "x" * 2000}, "no possible name"),
    ({"name": "d/l", "type": tarfile.LNKTYPE, "linkname": "d/none"}, "hard link"),
    ({"name": "d/l", "type": tarfile.LNKTYPE, "linkname": "d/s"}, "hard link"),
    ({"name": "d/l", "type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}, "absolute name"),
    ({"name": "d/l", "type": tarfile.LNKTYPE, "linkname": "../x"}, "leaves its root"),
    ({"name": "d/l", "type": tarfile.CHRTYPE}, "device"),
    ({"name": "d/l", "type": tarfile.BLKTYPE}, "device"),
    ({"name": "d/l", "type": tarfile.FIFOTYPE}, "device"),
    ({"name": "d/l", "type": b"Z"}, "device"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "says"), UNSAFE, ids=lambda value: str(value)[:60])
def test_an_unsafe_member_is_refused_by_name(fields, says, tar, member):
    folder = member("d/s", type=tarfile.DIRTYPE)
    error = refusal(tar(member("d/a", b"1"), folder, member(**fields)))
    assert says in error.what
    assert error.details["given"]
    assert len(str(error)) < 3000


def test_a_link_that_leaves_by_way_of_another_is_refused(tar, member):
    links = {"d/s/one": "..", "d/two": "s/one/../x"}
    rows = [member(n, type=tarfile.SYMTYPE, linkname=to) for n, to in links.items()]
    assert "link leaves" in refusal(tar(member("d/a"), *rows)).what
    rows[1] = member("d/two", type=tarfile.SYMTYPE, linkname="s/one/x")
    assert set(entries(tar(member("d/a"), *rows))) == {"a", "s", "s/one", "two"}


def test_links_in_a_circle_are_only_links(tar, member):
    links = {"d/a": "b", "d/b": "a/x", "d/c": "c"}
    rows = [member(n, type=tarfile.SYMTYPE, linkname=to) for n, to in links.items()]
    assert set(entries(tar(*rows))) == {"a", "b", "c"}


def test_a_link_cannot_be_used_as_a_folder(tar, member):
    link = member("d/l", type=tarfile.SYMTYPE, linkname=".")
    assert "as file and as folder" in refusal(tar(link, member("d/l/x"))).what


def test_folders_without_end_are_refused(tar, member):
    deep = "/".join("d" * 500)
    rows = [member(f"{number}/{deep}/x") for number in range(400)]
    assert "more than 200000 members" in refusal(tar(*rows)).what


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_archive_cut_short_is_refused(ending, files, packed):
    files = files | {"noise": Entry(FILE, random.Random(1).randbytes(4000) + bytes(1024))}
    path = packed(files, f"demo-1.0{ending}")
    whole = path.read_bytes()
    # An uncompressed tar may lose some of the zeros that pad its end, and nothing is lost.
    lasting = len(whole.rstrip(b"\0")) if ending == ".tar" else len(whole) - 1
    for length in (0, 1, 10, lasting // 2, lasting - 1, lasting):
        path.write_bytes(whole[:length])
        error = refusal(path)
        assert "damaged, cut short or no archive" in error.what, length
        assert ".tar.gz" in error.details["expected"]


def test_a_tar_cut_short_between_members_is_refused(tar, member):
    path = tar(
        member("d/a", bytes(1024)), member("d/b", b"1"), name="d.tar", form=tarfile.GNU_FORMAT
    )
    path.write_bytes(path.read_bytes()[: 3 * 512])
    assert "no end mark" in str(refusal(path))


def test_a_damaged_header_does_not_hide_the_members_behind_it(tar, member):
    path = tar(member("d/a", b"1"), member("d/b", b"1"), name="d.tar", form=tarfile.GNU_FORMAT)
    raw = bytearray(path.read_bytes())
    raw[1024 + 3] ^= 1
    path.write_bytes(raw)
    assert "no end mark" in str(refusal(path))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_damaged_archive_never_gives_a_traceback(ending, files, packed):
    path = packed(files, f"demo-1.0{ending}")
    whole, draw = path.read_bytes(), random.Random(ending)
    for _ in range(50):
        raw = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            raw[draw.randrange(len(raw))] = draw.randrange(256)
        path.write_bytes(raw)
        with contextlib.suppress(UserError):
            entries(path)


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.xz", ".tar.bz2", ".zip"])
def test_a_bomb_is_stopped_at_the_limit(ending, packed):
    path = packed({"zeros": Entry(FILE, bytes(8 * MEGABYTE))}, f"demo-1.0{ending}")
    assert path.stat().st_size < MEGABYTE / 10
    error = refusal(path)
    assert "more than the limit" in error.what
    assert "source.max_unpacked_mb" in error.details["hint"]
    assert entries(path, 9 * MEGABYTE)["zeros"].data == bytes(8 * MEGABYTE)


def test_a_sparse_file_of_absurd_size_is_stopped(tmp_path):
    header = tarfile.TarInfo("d/sparse")
    header.type, header.size = tarfile.GNUTYPE_SPARSE, 0
    raw = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    raw[386:398] = b"%011o\0" % 0  # one part, of no bytes
    raw[483:495] = b"%011o\0" % (7 << 30)  # the size with its holes
    raw[148:156] = b"%06o\0 " % (sum(raw[:148]) + 256 + sum(raw[156:512]))
    path = tmp_path / "sparse.tar"
    path.write_bytes(raw + bytes(1024))
    assert "more than the limit" in refusal(path).what


def test_hard_links_count_as_what_they_unpack_to(tar, member):
    rows = [member(f"d/{n}", type=tarfile.LNKTYPE, linkname="d/a") for n in range(20)]
    assert "more than the limit" in refusal(tar(member("d/a", bytes(100_000)), *rows)).what


def test_a_size_that_is_claimed_but_not_there_costs_nothing(tmp_path):
    header = tarfile.TarInfo("d/a")
    header.size = 1 << 60
    path = tmp_path / "huge.tar"
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    assert "damaged" in refusal(path).what


def test_times_that_no_calendar_has_are_no_damage(tar, member, tmp_path):
    assert read_archive(tar(member("d/a", mtime=1 << 60)), "d", 10**6)[1] == ""
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("d/a.py", b"")
    raw = path.read_bytes()
    stamp = raw.index(b"PK\x01\x02") + 12
    path.write_bytes(raw[:stamp] + bytes(4) + raw[stamp + 4 :])
    assert read_archive(path, "d", 10**6) == ({"a.py": Entry(FILE)}, "")


def test_a_zip_of_special_or_encrypted_members_is_refused(tmp_path):
    path = tmp_path / "d.zip"
    for mode, name, says in (
        (0o020644, "d/dev", "special file"), (0o120777, "d/l", "link leaves"),
        (0, "../x", "leaves"), (0, "/x", "absolute"),
    ):  # fmt: skip
        with zipfile.ZipFile(path, "w") as archive:
            row = zipfile.ZipInfo(name)
            row.external_attr, row.create_system = mode << 16, 3
            archive.writestr(row, b"../../x")
        assert says in refusal(path).what
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    raw[6] |= 1
    path.write_bytes(raw)
    assert "encrypted" in str(refusal(path))


def test_a_link_in_a_zip_may_not_hold_a_null_byte(tmp_path):
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w") as archive:
        row = zipfile.ZipInfo("d/l")
        row.external_attr, row.create_system = LINK << 16, 3
        archive.writestr(row, b"a\0b")
    assert "no possible name" in refusal(path).what


def test_nothing_is_written_while_an_archive_is_read(files, packed, tmp_path):
    path = packed(files)
    before = sorted(os.fspath(p) for p in tmp_path.rglob("*"))
    entries(path)
    assert sorted(os.fspath(p) for p in tmp_path.rglob("*")) == before


def test_times_too_large_for_a_number_are_damage(tar, member):
    row, data = member("d/a")
    row.pax_headers = {"mtime": "1e999"}
    assert "damaged" in refusal(tar((row, data))).what


def test_a_zip_member_without_a_name_is_damage(tmp_path):
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"1")
    raw = bytearray(path.read_bytes())
    place = raw.index(b"PK\x01\x02")
    raw[place + 28], raw[place + 30] = 0, 1  # the name's byte becomes one of the extra field
    path.write_bytes(raw)
    assert "damaged" in refusal(path).what
