"""Members that nobody vouches for become a tree, or are refused."""

import pytest

from assay.core.errors import UserError
from assay.sources.assembly import Assembly
from assay.sources.tree import FILE, FOLDER, LINK, Entry


@pytest.fixture
def assembly():
    return Assembly("here", 10)


def test_names_are_cleaned_and_folders_completed(assembly):
    assembly.add("./a//b/./c", FILE, b"1")
    assembly.add("a/", FOLDER)
    assembly.add("./", FOLDER)
    assert assembly.find("a/b//c") == Entry(FILE, b"1")
    assert assembly.find("a/x") is None
    assert assembly.tree(strip=False) == {
        "a": Entry(FOLDER), "a/b": Entry(FOLDER), "a/b/c": Entry(FILE, b"1"),
    }  # fmt: skip


def test_the_limit_is_on_all_files_together(assembly):
    assembly.take(6)
    assembly.take(4)
    with pytest.raises(UserError, match="at most 10 bytes"):
        assembly.take(1)


def test_a_link_to_nothing_within_the_root_is_kept(assembly):
    assembly.add("d/l", LINK, b"../none/./x")
    assert "d/l" in assembly.tree(strip=False)


@pytest.mark.parametrize("name", ["/a", "a/../b", "..", "a\0b", ".git", "a/.Git/x", "", "x" * 256])
def test_an_unsafe_name_is_refused_with_place_and_hint(assembly, name):
    with pytest.raises(UserError) as caught:
        assembly.add(name, FILE)
    assert caught.value.details["where"] == "here"
    assert caught.value.details["hint"]
