from __future__ import annotations

import shutil

import pytest

from assay.core.errors import UserError
from assay.core.files import read_json, write_json
from assay.images import names
from assay.images.names import image_name, lock_path, name_of
from assay.images.relock import wanted_images


@pytest.fixture
def copy(repository, tmp_path):
    """The part of the repository that names depend on."""
    for folder in ("containers", "envs", "config"):
        shutil.copytree(repository / folder, tmp_path / folder)
    return tmp_path


def test_every_wanted_image_has_a_fresh_lock_and_so_a_name_before_it_is_built(repository):
    wanted = [name for name, _, _ in wanted_images(repository)]
    resolved = [name for name in wanted if not names.unresolved(repository, name)]
    assert {"tools", "engine-llamacpp", "engine-vllm", "testbed-cerberus"} <= set(resolved)
    for name in resolved:
        image = image_name(name, repository)
        assert image == read_json(lock_path(repository, name))["result"]["image"]
        assert image.rpartition("-")[0] == name
        assert len(image.rpartition("-")[2]) == 12


def test_of_a_docker_image_nobody_has_resolved_nothing_runs_and_the_command_is_told(copy):
    lock_path(copy, "engine-vllm-cuda").unlink(missing_ok=True)
    assert names.unresolved(copy, "engine-vllm-cuda")
    with pytest.raises(UserError, match=r"not resolved(.|\n)*make relock ENGINE=engine-vllm-cuda"):
        image_name("engine-vllm-cuda", copy)


@pytest.mark.parametrize("module", names.DOCKER)
def test_what_unpacks_docker_images_decides_about_their_names_alone(
    copy, tmp_path, monkeypatch, module
):
    lock = read_json(lock_path(copy, "tools"))
    of_docker = lock | {"docker": {"image": "a:1", "digest": "sha256:1"}}
    before = name_of(lock), name_of(of_docker)
    room = tmp_path / "room"
    shutil.copytree(names.ROOM, room)
    monkeypatch.setattr(names, "ROOM", room)
    assert (name_of(lock), name_of(of_docker)) == before
    with (room / module).open("a") as stream:
        stream.write("# edited\n")
    assert name_of(lock) == before[0]
    assert name_of(of_docker) != before[1]


def test_a_target_is_part_of_its_testbeds_name(repository):
    name = image_name("testbed", repository, {"name": "cerberus"})
    assert name == image_name("testbed-cerberus", repository)


def test_a_missing_lock_is_named_with_what_to_do(copy):
    lock_path(copy, "tools").unlink()
    with pytest.raises(UserError, match=r"no lock(.|\n)*tools\.lock\.json(.|\n)*make relock"):
        image_name("tools", copy)


def test_a_torn_lock_is_named(copy):
    lock_path(copy, "tools").write_text("{")
    with pytest.raises(UserError, match=r"tools\.lock\.json"):
        image_name("tools", copy)


@pytest.mark.parametrize("name", ["containers/tools.yaml", "envs/runtime.txt"])
def test_a_lock_older_than_its_inputs_is_stale(copy, name):
    with (copy / name).open("a") as stream:
        stream.write("# edited\n")
    with pytest.raises(UserError, match=rf"older than its input(.|\n)*{name}(.|\n)*make relock"):
        image_name("tools", copy)


def test_a_lock_whose_input_is_gone_is_stale(copy):
    (copy / "envs/runtime.txt").unlink()
    with pytest.raises(UserError, match=r"runtime\.txt(.|\n)*no such file"):
        image_name("tools", copy)


def test_a_touched_input_is_not_stale(copy):
    (copy / "containers/tools.yaml").touch()
    assert image_name("tools", copy)


def test_an_edited_lock_is_refused(copy):
    lock = read_json(lock_path(copy, "tools"))
    lock["packages"][0]["version"] += "+edited"
    write_json(lock_path(copy, "tools"), lock)
    with pytest.raises(UserError, match="older than the builder"):
        image_name("tools", copy)


@pytest.mark.parametrize("module", names.BUILDER)
def test_an_edited_builder_makes_another_name_and_locks_stale(
    copy, tmp_path, repository, monkeypatch, module
):
    before = image_name("tools", copy)
    room = tmp_path / "room"
    shutil.copytree(names.ROOM, room)
    monkeypatch.setattr(names, "ROOM", room)
    assert image_name("tools", copy) == before
    with (room / module).open("a") as stream:
        stream.write("# edited\n")
    with pytest.raises(UserError, match=f"older than the builder(.|\n)*{before}"):
        image_name("tools", copy)


def test_the_result_is_no_part_of_the_name(repository):
    lock = read_json(lock_path(repository, "tools"))
    assert name_of(lock) == name_of(lock | {"result": {}})
    for key, value in (("packages", []), ("environment", {}), ("links", {}), ("wheels", [])):
        assert name_of(lock) != name_of(lock | {key: value})
