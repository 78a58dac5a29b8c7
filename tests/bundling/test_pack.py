"""What goes into a bundle of the made-up run, and that it is the same bytes each time."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tarfile

import pytest

from assay.bundling.environments import locked
from assay.bundling.index import INDEX
from assay.core.errors import UserError
from assay.core.files import sha256_file

from .conftest import write_lock, write_wheel


def listed(folder):
    return {row["path"]: row for row in json.loads((folder / INDEX).read_text())["files"]}


def held(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in paths}


def test_the_index_lists_every_file_with_its_digest(packed):
    found = held(packed)
    del found[INDEX]
    assert found == {path: row["sha256"] for path, row in listed(packed).items()}


def test_only_what_the_config_touches_is_packed(place, config, tmp_path, packed):
    config.write_text("run: tiny\ntargets: [tiny]\nmodels: [oracle]\n")
    smaller = listed(place.pack(tmp_path / "smaller", config).folder)
    assert {row["part"] for row in smaller.values()} == {
        "environment", "apptainer", "image", "builder", "ingredient", "archive", "checkout",
    }  # fmt: skip
    images = {path for path in smaller if path.startswith("images/")}
    assert {path.rpartition("-")[0] for path in images} == {"images/tools", "images/testbed-tiny"}
    assert set(smaller) < set(listed(packed))


def test_a_lean_bundle_lacks_what_images_are_built_from(place, config, tmp_path, packed):
    lean = listed(place.pack(tmp_path / "lean", config, lean=True).folder)
    gone = set(listed(packed)) - set(lean)
    assert {listed(packed)[path]["part"] for path in gone} == {"ingredient"}
    assert [row for row in lean.values() if row["part"] == "builder"]


def test_two_bundles_are_the_same_bytes_as_folder_and_as_tar(place, config, tmp_path):
    first = place.pack(tmp_path / "a", config, archive=True)
    again = place.pack(tmp_path / "b", config, archive=True)
    assert held(first.folder) == held(again.folder)
    assert first.index == again.index
    assert first.archive.read_bytes() == again.archive.read_bytes()


def test_the_checkout_goes_along_without_results_and_caches(place, config, tmp_path):
    for name in ("results/tiny/x", ".venv/x", "scripts/__pycache__/x.pyc", "docs/x.md", "id.pem"):
        (place.repository / name).parent.mkdir(parents=True, exist_ok=True)
        (place.repository / name).write_text("x")
    folder = place.pack(tmp_path / "to", config).folder
    with tarfile.open(folder / "checkout.tar") as archive:
        names = set(archive.getnames())
        assert {entry.mtime for entry in archive} == {0}
    assert {"Makefile", "config/config.yaml", "envs/host.txt", "docs/x.md"} <= names
    assert not {"results/tiny/x", ".venv/x", "scripts/__pycache__/x.pyc", "id.pem"} & names


def test_a_damaged_image_in_the_cache_is_not_packed(place, config, tmp_path):
    image = next((place.cache / "images").glob("tools-*"))
    image.write_bytes(b"other")
    with pytest.raises(UserError, match="damaged") as error:
        place.pack(tmp_path / "fresh", config)
    assert str(image) in str(error.value)
    assert not list((tmp_path / "fresh").glob("*"))


def test_a_wheel_that_cannot_be_had_is_named(place, config, tmp_path):
    shutil.rmtree(next((place.cache / "wheels").glob("host-*")))
    with pytest.raises(UserError, match="can't fetch locked wheels"):
        place.pack(tmp_path / "to", config)


def test_something_else_is_not_overwritten_and_a_bundle_is(place, config, tmp_path, packed):
    (tmp_path / "full/tiny").mkdir(parents=True)
    (tmp_path / "full/tiny/letter.txt").write_text("dear")
    with pytest.raises(UserError, match="something else"):
        place.pack(tmp_path / "full", config)
    (packed / "old").write_text("")
    assert not (place.pack(packed.parent, config).folder / "old").exists()


def test_wheels_of_all_patch_releases_go_along(place, config, tmp_path, monkeypatch):
    old, new = (write_wheel(tmp_path / "index", "greeting", version) for version in ("1.0", "2.0"))
    other = write_wheel(tmp_path / "index", "never")
    release = "{}.{}".format(*sys.version_info[:2])
    lines = {
        f"greeting==1.0 ; python_full_version < '{release}.5'": old,
        f"greeting==2.0 ; python_full_version >= '{release}.5'": new,
        "never==1.0 ; python_full_version < '3.0'": other,
    }
    write_lock(place.repository / "envs/host.txt", lines)
    pins = [one.pin for one in locked((place.repository / "envs/host.txt").read_text())]
    assert pins == ["greeting==1.0", "greeting==2.0"]
    # The cache has what this patch release needs; the other one is fetched.
    name = f"host-{sha256_file(place.repository / 'envs/host.txt')[:16]}"
    ours = place.cache / "wheels" / f"{name}-{platform.python_version()}"
    ours.mkdir()
    shutil.copy(new, ours)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    folder = place.pack(tmp_path / "to", config).folder
    found = sorted(path.name for path in (folder / "wheels" / name).iterdir())
    assert found == [old.name, new.name]
