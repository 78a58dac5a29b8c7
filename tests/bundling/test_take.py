"""Taking a bundle into an empty cache: all of it is checked, and nothing damaged stays."""

from __future__ import annotations

import json
import subprocess

import pytest

from assay.bundling.cover import cover, take_all
from assay.bundling.index import open_bundle
from assay.bundling.needs import covered, needs
from assay.bundling.take import environment_entries, take
from assay.core.errors import UserError
from assay.core.files import read_json, write_json
from assay.engines._weights import receipt_of
from assay.images.names import lock_path, name_of, read_lock
from assay.images.store import image_file, verify_image
from assay.sources.fetch import fetch


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def files(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in paths if "locks" not in path.parts}


def test_a_run_finds_all_that_it_needs(place, config, packed, empty, tmp_path, monkeypatch):
    cover(packed, place.repository, config)
    monkeypatch.setenv("ASSAY_BUNDLE", str(packed))
    run = place.run(config)
    for recipe, image in run.images.items():
        verify_image(empty, image, read_lock(place.repository, recipe))
    for target in run.settings.targets.values():
        fetch(target, empty, tmp_path / "source.tar", tmp_path / "source.json")
    kinds = {name.split("/")[0] for name in files(empty)}
    assert kinds == {"images", "packages", "archives", "git", "weights"}


def test_nothing_but_what_the_config_needs_is_taken(place, config, packed, empty):
    config.write_text("run: tiny\ntargets: [tiny]\nmodels: [oracle]\n")
    cover(packed, place.repository, config)
    assert {name.split("/")[0] for name in files(empty)} == {"images", "packages", "archives"}
    assert len(list((empty / "images").iterdir())) == 2


def test_packages_and_wheels_can_be_taken_in_the_place_of_images(place, config, packed, empty):
    cover(packed, place.repository, config, build=True)
    kinds = {name.split("/")[0] for name in files(empty)}
    assert kinds == {"packages", "wheels", "archives", "git", "weights"}


def test_the_image_of_a_docker_image_is_taken_where_the_others_are_built(
    place, config, tmp_path, empty, monkeypatch, capsys
):
    path = lock_path(place.repository, "engine-llamacpp")
    lock = read_json(path)
    old = image_file(place.cache, name_of(lock))
    lock["docker"] = {"image": "lab/a:1", "digest": f"sha256:{'1' * 64}", "size": 1}
    lock["result"]["image"] = name_of(lock)
    old.rename(image_file(place.cache, name_of(lock)))
    write_json(path, lock)
    monkeypatch.setenv("ASSAY_CACHE", str(place.cache))
    folder = place.pack(tmp_path / "fresh", config).folder
    monkeypatch.setenv("ASSAY_CACHE", str(empty))
    cover(folder, place.repository, config, build=True)
    assert [path.stem for path in (empty / "images").iterdir()] == [name_of(lock)]
    assert "engine-llamacpp: taken as it is and not built" in capsys.readouterr().err


def test_a_second_call_copies_nothing(place, config, packed, empty):
    assert cover(packed, place.repository, config) > 0
    assert cover(packed, place.repository, config) == 0


def test_a_tar_serves_as_well_as_the_folder(place, config, tmp_path, empty, monkeypatch):
    monkeypatch.setenv("ASSAY_CACHE", str(place.cache))
    made = place.pack(tmp_path / "to", config, archive=True)
    monkeypatch.setenv("ASSAY_CACHE", str(empty))
    count = cover(made.archive, place.repository, config)
    assert count == cover(made.folder, place.repository, config) + count
    assert count == len(files(empty)) - 2 * len(list((empty / "git").iterdir()))


def test_a_tar_that_is_cut_short_is_refused(place, config, tmp_path, empty):
    archive = place.pack(tmp_path / "to", config, archive=True).archive
    data = archive.read_bytes()
    for length in (100, len(data) // 2, len(data) - 12000):
        archive.write_bytes(data[:length])
        with pytest.raises(UserError) as error:
            cover(archive, place.repository, config)
        assert str(archive) in str(error.value)
    assert files(empty) == set()


@pytest.mark.parametrize("part", ["image", "builder", "archive", "commit", "weights"])
def test_a_flipped_bit_stops_and_names_the_file_and_is_not_kept(place, config, packed, empty, part):
    rows = json.loads((packed / "bundle.json").read_text())["files"]
    row = next(row for row in rows if row["part"] == part)
    flip(packed / row["path"])
    with pytest.raises(UserError, match="damaged") as error:
        cover(packed, place.repository, config)
    assert str(packed / row["path"]) in str(error.value)
    assert "make bundle" in str(error.value)
    assert not (empty / row["path"]).exists()
    if part == "commit":
        assert not list((empty / "git").iterdir())


def test_a_flipped_bit_of_a_wheel_or_of_apptainer_stops(place, packed, empty):
    lock = place.repository / "envs/host.txt"
    for path in [*packed.glob("wheels/host-*/*.whl"), *packed.glob("apptainer/packages/*")]:
        flip(path)
        with open_bundle(packed) as bundle, pytest.raises(UserError, match="damaged") as error:
            take(bundle, empty / path.name, environment_entries(bundle, lock))
        assert str(path) in str(error.value)
        flip(path)
        assert path.name not in {kept.name for kept in (empty / path.name).rglob("*")}


def test_a_damaged_file_of_the_cache_is_replaced(place, config, packed, empty):
    cover(packed, place.repository, config)
    (weights,) = (empty / "weights").iterdir()
    flip(weights)
    assert cover(packed, place.repository, config) == 1
    assert weights.read_bytes() == b"made-up weights"


def test_a_bundle_for_another_config_names_what_it_lacks(place, config, packed, empty):
    smaller = config.with_name("smaller.yaml")
    smaller.write_text("run: smaller\ntargets: [tiny]\nmodels: [oracle]\n")
    made = place.pack(packed.parent, smaller).folder
    with pytest.raises(UserError, match="another config") as error:
        cover(made, place.repository, config)
    for named in ("config/targets/tiny-git.yaml", "config/models/tiny.yaml", "engine-llamacpp"):
        assert named in str(error.value)
    assert "the run `smaller`" in str(error.value)
    assert files(empty) == set()


def test_a_bundle_for_another_image_lock_names_the_lock(place, config, packed, empty):
    path = place.repository / "containers/locks/tools.lock.json"
    lock = json.loads(path.read_text())
    lock["result"]["sha256"] = "0" * 64
    path.write_text(json.dumps(lock))
    with pytest.raises(UserError, match="other locks") as error:
        cover(packed, place.repository, config)
    assert "containers/locks/tools.lock.json" in str(error.value)


@pytest.mark.parametrize("name", ["lock", "python", "machine"])
def test_a_bundle_for_another_environment_says_which(place, packed, name):
    lock = place.repository / "envs/host.txt"
    if name == "lock":
        lock.write_text(lock.read_text() + "# changed\n")
    else:
        index = json.loads((packed / "bundle.json").read_text())
        index["made_for"][name] = "2.7"
        (packed / "bundle.json").write_text(json.dumps(index))
    with open_bundle(packed) as bundle, pytest.raises(UserError, match=f"another {name}") as error:
        environment_entries(bundle, lock)
    assert "hint:" in str(error.value)


def test_an_environment_that_is_not_in_the_bundle_is_named(place, packed):
    lock = place.repository / "envs/dev.txt"
    lock.write_text("")
    with open_bundle(packed) as bundle, pytest.raises(UserError, match="no environment `dev`"):
        environment_entries(bundle, lock)


def test_every_need_is_covered_by_what_was_packed(place, config, packed):
    run = place.run(config)
    with open_bundle(packed) as bundle:
        for need in needs(run, ingredients=True):
            assert covered(bundle, [need])
            path = need.path if not need.path.endswith("/") else None
            assert path is None or covered(bundle, [need])[0].sha256 == need.sha256


def test_take_all_leaves_what_only_builds_and_reads(packed, empty):
    take_all(packed)
    kinds = {name.split("/")[0] for name in files(empty)}
    assert kinds == {"images", "packages", "archives", "git", "weights"}


def test_a_repository_gets_settings_of_its_own(place, config, packed, empty):
    cover(packed, place.repository, config)
    (made,) = (empty / "git").glob("*.git")
    assert "bare = true" in (made / "config").read_text()
    command = ["git", f"--git-dir={made}", "cat-file", "-t", made.stem]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "commit\n"


def test_a_snapshot_is_packed_file_by_file_and_taken_without_its_folder(
    place, config, empty, tmp_path, monkeypatch
):
    config.write_text("run: tiny\ntargets: [tiny]\nmodels: [several]\n")
    monkeypatch.setenv("ASSAY_CACHE", str(place.cache))
    bundle = place.pack(tmp_path / "again", config).folder
    monkeypatch.setenv("ASSAY_CACHE", str(empty))
    described = place.run(config).settings.models["several"]
    digests = {one["sha256"] for one in described["weights"]["files"]}
    assert {path.name for path in (bundle / "weights").iterdir()} == digests
    cover(bundle, place.repository, config)
    described["weights"]["path"] = "/nowhere"
    receipt = receipt_of("several", described, empty)
    assert len(digests) == 3
    assert {one["sha256"] for one in receipt["weights"]["files"]} == digests
    (bundle / "weights" / min(digests)).unlink()
    with pytest.raises(UserError, match=min(digests)):
        cover(bundle, place.repository, config)
