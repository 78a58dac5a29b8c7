"""Identifiers, beside those that git itself computes."""

import pytest

from assay.sources.swhid import directory, git_object_id, revision, tree_id
from assay.sources.tree import FOLDER, Entry


@pytest.mark.parametrize("data", [b"", b"hello\n", b"\0\r\n\xff" * 1000])
def test_content_ids_are_gits(data, repository):
    assert git_object_id("blob", data) == repository.git("hash-object", "--stdin", stdin=data)


def test_directory_and_commit_ids_are_gits(files, repository):
    commit = repository.commit(files)
    tree = repository.git("write-tree")
    assert tree_id(files) == tree
    assert directory(files) == f"swh:1:dir:{tree}"
    folders = {"demo": Entry(FOLDER), "demo/data": Entry(FOLDER), "tests": Entry(FOLDER)}
    assert tree_id(folders | files) == tree, "folders that hold something add nothing"
    assert revision(commit) == f"swh:1:rev:{commit}"


def test_an_empty_directory_is_the_empty_tree(repository):
    empty = repository.git("mktree", stdin=b"")
    assert tree_id({}) == empty
    outer = repository.git("mktree", stdin=f"040000 tree {empty}\td".encode())
    assert tree_id({"d": Entry(FOLDER)}) == outer
