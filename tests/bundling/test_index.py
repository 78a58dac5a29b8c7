"""What a bundle may list, and what stops before anything is taken."""

from __future__ import annotations

import json

import pytest

from assay.bundling.index import INDEX, open_bundle
from assay.core.errors import UserError


def edit(folder, change):
    index = json.loads((folder / INDEX).read_text())
    change(index)
    (folder / INDEX).write_text(json.dumps(index))


def refusal(place) -> str:
    with pytest.raises(UserError) as error, open_bundle(place):
        pass
    assert "hint:" in str(error.value)
    return str(error.value)


def test_a_whole_bundle_opens(packed):
    with open_bundle(packed) as bundle:
        assert bundle.made_for["run"] == "tiny"
        assert {entry.part for entry in bundle.entries.values()} == {
            "environment", "apptainer", "image", "builder", "ingredient", "archive", "commit",
            "weights", "checkout",
        }  # fmt: skip


def test_a_folder_without_an_index_is_no_bundle(tmp_path):
    assert "BUNDLE= names what `make bundle` wrote" in refusal(tmp_path)
    assert "no bundle" in refusal(tmp_path / "nowhere")


def test_a_missing_file_is_named_before_anything_is_taken(packed):
    (weights,) = (packed / "weights").iterdir()
    weights.unlink()
    said = refusal(packed)
    assert "missing" in said
    assert str(weights) in said


def test_a_file_that_is_cut_short_is_named(packed):
    (weights,) = (packed / "weights").iterdir()
    weights.write_bytes(weights.read_bytes()[:-1])
    said = refusal(packed)
    assert "14 bytes" in said
    assert "15 bytes" in said
    assert str(weights) in said


@pytest.mark.parametrize("text", ["", "{", "[]", "[1]", '{"kind": "assay bundle"}', "\N{SNOWMAN}"])
def test_a_damaged_index_is_refused(packed, text):
    (packed / INDEX).write_text(text)
    assert str(packed) in refusal(packed)


def test_another_version_is_refused(packed):
    edit(packed, lambda index: index.update(format=2))
    assert "another version" in refusal(packed)


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ("weights", "../outside"),
        ("weights", "/etc/passwd"),
        ("image", "images/../../x.sqfs"),
        ("image", "images/.hidden.sqfs"),
        ("environment", "venvs/host-0123456789abcdef-3.11.7/bin/python"),
        ("apptainer", "apptainer/current/usr/bin/apptainer"),
        ("commit", f"git/{'0' * 40}.git/config"),
        ("commit", f"git/{'0' * 40}.git/hooks/post-checkout"),
        ("commit", f"git/{'0' * 40}.git/objects/info/alternates"),
        ("unheard-of", "x"),
    ],
)
def test_what_has_no_place_in_a_cache_is_refused(packed, part, path):
    row = {"part": part, "path": path, "size": 0, "sha256": "0" * 64}
    edit(packed, lambda index: index["files"].append(row))
    said = refusal(packed)
    assert "no place in a cache" in said
    assert path in said


def test_a_name_that_holds_another_digest_is_refused(packed):
    row = {"part": "archive", "path": f"archives/{'1' * 64}", "size": 0, "sha256": "0" * 64}
    edit(packed, lambda index: index["files"].append(row))
    assert "no place in a cache" in refusal(packed)


@pytest.mark.parametrize("locks", [[], "host", None])
def test_locks_of_another_shape_are_refused(packed, locks):
    edit(packed, lambda index: index["made_for"].update(locks=locks))
    assert "index is damaged" in refusal(packed)


def test_a_folder_in_the_place_of_a_file_is_refused(packed):
    (weights,) = (packed / "weights").iterdir()
    weights.unlink()
    weights.mkdir()
    assert str(weights) in refusal(packed)
