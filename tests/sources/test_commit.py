"""A commit's tree is what its objects say, and all that can't be taken is refused by name."""

import os
import shutil

import pytest

from assay.core.errors import HarnessError, UserError
from assay.sources.commit import read_commit
from assay.sources.tree import FILE, FOLDER, LINK, Entry

LIMIT = 1_000_000
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def tree_of(repository, commit, limit=LIMIT):
    return read_commit(repository.path / ".git", commit, "here", limit).tree


def refusal(repository, commit, limit=LIMIT):
    with pytest.raises(UserError) as caught:
        tree_of(repository, commit, limit)
    assert caught.value.details["where"] == "here"
    return caught.value


def test_the_tree_its_id_and_its_dates(files, repository):
    found = read_commit(repository.path / ".git", repository.commit(files), "here", LIMIT)
    assert {p: e for p, e in found.tree.items() if e.mode != FOLDER} == files
    assert found.tree_id == repository.git("write-tree")
    assert found.committed == found.authored == "2020-09-13T12:26:40Z"


def test_attributes_and_line_ends_change_nothing(repository):
    files = {
        ".gitattributes": Entry(FILE, b"a.py export-subst ident eol=crlf\nb.py export-ignore\n"),
        "a.py": Entry(FILE, b"# $Format:%H$ $Id$\nx\n"),
        "b.py": Entry(FILE, b""),
    }  # fmt: skip
    assert tree_of(repository, repository.commit(files)) == files


def test_names_that_are_not_utf8_and_differ_in_case_are_kept(repository):
    files = {
        "x\udcff.py": Entry(FILE, b"1"),
        "A": Entry(FILE),
        "a": Entry(FILE),
        'q"\n\t': Entry(FILE),
    }
    assert tree_of(repository, repository.commit(files)) == files


def test_old_modes_keep_the_trees_id(repository):
    # As git itself wrote them long ago; today's `git mktree` would round them.
    raw = b"100664 a.py\0" + bytes.fromhex(repository.blob(b"1"))
    tree = repository.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    commit = repository.git("commit-tree", tree, "-m", "c")
    found = read_commit(repository.path / ".git", commit, "here", LIMIT)
    assert found.tree["a.py"].mode == 0o100664
    assert found.tree_id == repository.git("rev-parse", f"{commit}^{{tree}}")


def test_a_replaced_object_is_not_what_is_read(repository):
    first = repository.commit({"a.py": Entry(FILE, b"1")})
    second = repository.commit({"a.py": Entry(FILE, b"2")})
    repository.git("replace", first, second)
    assert tree_of(repository, first)["a.py"].data == b"1"


def test_submodules_are_refused(repository):
    rows = [f"160000 commit {'a' * 40}\tvendor{n}".encode() for n in range(7)]
    error = refusal(repository, repository.commit_tree(rows))
    assert "submodules" in error.what
    assert error.details["given"].startswith("vendor0, vendor1")
    assert error.details["given"].endswith("and 2 more")
    assert "archive" in error.details["hint"]


def test_files_kept_by_lfs_are_refused(repository):
    commit = repository.commit({"big.bin": Entry(FILE, POINTER), "a.py": Entry(FILE)})
    error = refusal(repository, commit)
    assert "LFS" in error.what
    assert error.details["given"] == "big.bin"


def test_a_file_that_speaks_of_lfs_is_none(repository):
    files = {"doc.md": Entry(FILE, b"Pointers look like:\n" + POINTER)}
    assert tree_of(repository, repository.commit(files)) == files


@pytest.mark.parametrize("target", ["../x", "/etc/passwd", "a/../../x"])
def test_a_link_out_of_the_root_is_refused(target, repository):
    commit = repository.commit({"l": Entry(LINK, target.encode())})
    error = refusal(repository, commit)
    assert "link leaves" in error.what
    assert error.details["given"] == f"l -> {target}"


@pytest.mark.parametrize("name", ["..", ".git", ".GIT"])
def test_a_forbidden_name_in_a_tree_is_refused(name, repository):
    row = f"100644 blob {repository.blob(b'')}\t{name}".encode()
    assert refusal(repository, repository.commit_tree([row])).details["given"] == name


def test_the_size_is_checked_before_anything_is_read(repository):
    error = refusal(repository, repository.commit({"a": Entry(FILE, bytes(LIMIT))}), LIMIT - 1)
    assert "max_unpacked_mb" in error.details["hint"]


def test_an_id_of_something_else_is_refused(repository):
    repository.commit({"a.py": Entry(FILE)})
    repository.git("tag", "-a", "v1", "-m", "v1")
    for name, kind in (("v1", "tag"), ("HEAD^{tree}", "tree"), ("HEAD:a.py", "blob")):
        error = refusal(repository, repository.git("rev-parse", name))
        assert f"that of a {kind}" in error.what
        assert "^{commit}" in error.details["hint"]


def test_a_few_objects_that_stand_for_endless_files_are_refused(repository):
    oid, kind = repository.blob(b""), "100644 blob"
    for _ in range(9):
        rows = "".join(f"{kind} {oid}\td{n}\0" for n in range(10))
        oid, kind = repository.git("mktree", "-z", stdin=rows.encode()), "040000 tree"
    commit = repository.git("commit-tree", oid, "-m", "bomb")
    assert "more than 200000 members" in refusal(repository, commit).what


@pytest.mark.parametrize(("date", "expected"), [
    ("99999999999999", ""), ("-1", "1969-12-31T23:59:59Z"), ("0", "1970-01-01T00:00:00Z"),
])  # fmt: skip
def test_dates_that_no_calendar_has(date, expected, repository):
    repository.commit({"a.py": Entry(FILE)})
    head = repository.git("cat-file", "commit", "HEAD")
    text = head.replace("1600000000", date) + "\n\ncommitter X <x> 5 +0000\n"
    commit = repository.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin",
                            stdin=text.encode())  # fmt: skip
    found = read_commit(repository.path / ".git", commit, "here", LIMIT)
    assert (found.committed, found.authored) == (expected, expected)


def test_damaged_objects_are_noticed(repository):
    commit = repository.commit({"a.py": Entry(FILE, b"1"), "b.py": Entry(FILE, b"2")})
    objects = repository.path / ".git" / "objects"
    oid, other = (repository.git("rev-parse", f"HEAD:{name}") for name in ("a.py", "b.py"))
    one, two = (objects / number[:2] / number[2:] for number in (oid, other))
    one.chmod(0o644)
    shutil.copyfile(two, one)  # another content of the same size under the first one's id
    with pytest.raises(HarnessError):
        tree_of(repository, commit)
    os.truncate(one, 3)
    with pytest.raises(HarnessError):
        tree_of(repository, commit)
    one.unlink()
    with pytest.raises(HarnessError):
        tree_of(repository, commit)
    with pytest.raises(HarnessError, match="can't read the commit"):
        tree_of(repository, "a" * 40)
