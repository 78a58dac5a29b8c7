"""Building into the cache: checked, alone, all or nothing, and again without a network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import installer
import pytest

from assay.core.errors import UserError
from assay.core.files import write_json
from assay.images.build import ensure_image
from assay.images.names import name_of
from assay.images.store import (
    fuse_usable,
    image_file,
    image_folder,
    tree_digest,
    verify_image,
)
from assay.images.twice import conditions

from .conftest import open_to_others

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("small-image")]

BUILD = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from assay.core.files import read_json
from assay.images.build import ensure_image
print(ensure_image(Path(sys.argv[2]), read_json(Path(sys.argv[3])), unpacked=False))
"""
AS_OTHER = """
import sys
from pathlib import Path
from assay.core.files import read_json
from assay.images.build import ensure_image
from assay.images.names import name_of
from assay.images.store import container_path
lock = read_json(Path("lock.json"))
ensure_image(Path("cache").absolute(), lock)
print(container_path(Path("cache"), name_of(lock)))
"""


@pytest.fixture
def cache(tmp_path, small, offline):
    """A cache with all downloads, no image, and no network to get more."""
    _, _, downloads = small
    folder = tmp_path / "cache"
    shutil.copytree(downloads, folder)
    return folder


@pytest.fixture
def built(cache, small):
    """The same with the image in place, as an earlier build left it."""
    lock, image, _ = small
    path = image_file(cache, name_of(lock))
    path.parent.mkdir()
    shutil.copyfile(image, path)
    return cache


@pytest.fixture
def start(request, small, tmp_path):
    """Start a build in a process of its own."""
    started = []
    lock, _, _ = small
    write_json(tmp_path / "lock.json", lock)

    def run(cache):
        scripts = request.config.rootpath / "scripts"
        command = [sys.executable, "-c", BUILD, scripts, cache, tmp_path / "lock.json"]
        process = subprocess.Popen(
            command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def flip(path, at):
    """Flip one bit of one byte."""
    with path.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 1]))


def test_two_builders_at_once_build_once_and_get_the_same_offline(cache, small, start):
    lock, image, _ = small
    runs = [start(cache), start(cache)]
    told = [process.communicate(timeout=300) for process in runs]
    assert [process.returncode for process in runs] == [0, 0], told
    assert told[0][0] == told[1][0]
    errors = [error for _, error in told]
    assert sum("compiling and packing" in error for error in errors) == 1
    assert sum("waiting for another instance" in error for error in errors) == 1
    path = image_file(cache, name_of(lock))
    assert path.read_bytes() == image.read_bytes()
    assert os.listdir(path.parent) == [path.name]


def test_an_interrupted_build_leaves_nothing_under_the_final_name(cache, small, start):
    lock, image, _ = small
    process = start(cache)
    folder = cache / "images"
    while not list(folder.glob(".build-*/*/usr/bin/python3.11")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not image_file(cache, name_of(lock)).exists()
    assert [path.name[:7] for path in folder.iterdir()] == [".build-"]
    # The next build clears the rest away, and is not misled by it.
    ensure_image(cache, lock, unpacked=False)
    assert [path.name for path in folder.iterdir()] == [f"{name_of(lock)}.sqfs"]
    assert image_file(cache, name_of(lock)).read_bytes() == image.read_bytes()


def test_an_image_that_comes_out_otherwise_is_not_kept(cache, small):
    lock, _, _ = small
    wrong = lock | {"result": lock["result"] | {"sha256": "0" * 64}}
    with pytest.raises(UserError, match=r"did not come out as locked(.|\n)*make relock"):
        ensure_image(cache, wrong, unpacked=False)
    assert os.listdir(cache / "images") == []


@pytest.mark.parametrize("where", [0, 0.5, 1])
def test_an_image_with_one_flipped_byte_is_refused(built, small, where):
    lock, _, _ = small
    path = image_file(built, name_of(lock))
    flip(path, int((path.stat().st_size - 1) * where))
    for check in (lambda: verify_image(built, name_of(lock), lock),
                  lambda: ensure_image(built, lock, unpacked=False)):  # fmt: skip
        with pytest.raises(UserError, match=r"damaged(.|\n)*small-\w{12}\.sqfs(.|\n)*delete it"):
            check()


def test_a_missing_image_is_named(cache, small):
    lock, _, _ = small
    with pytest.raises(UserError, match=r"missing(.|\n)*small-"):
        verify_image(cache, name_of(lock), lock)


def test_without_fuse_the_image_runs_from_a_verified_folder(built, small):
    lock, _, _ = small
    assert not fuse_usable(built / "no-such-device")
    ensure_image(built, lock, unpacked=True)
    folder = image_folder(built, name_of(lock))
    assert tree_digest(folder) == lock["result"]["tree"]
    assert json.loads((folder / "etc/assay-image.json").read_text()) == {"image": name_of(lock)}
    flip(folder / "etc/passwd", 3)
    with pytest.raises(UserError, match="unpacked image is damaged"):
        ensure_image(built, lock, unpacked=True)


def test_an_image_that_unpacks_otherwise_is_not_kept(built, small):
    lock, _, _ = small
    wrong = lock | {"result": lock["result"] | {"tree": "0" * 64}}
    with pytest.raises(UserError, match="did not unpack as locked"):
        ensure_image(built, wrong, unpacked=True)
    assert os.listdir(built / "images") == [f"{name_of(lock)}.sqfs"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_who_can_not_open_fuse_gets_the_folder(
    built, small, tmp_path_factory, repository
):
    lock, _, _ = small
    base = tmp_path_factory.mktemp("other")
    open_to_others(base)
    _, other = conditions(base)
    shutil.copytree(built, other.folder / "cache")
    shutil.copytree(repository / "scripts", other.folder / "scripts")
    shutil.copytree(Path(installer.__file__).parent, other.folder / "scripts/installer")
    write_json(other.folder / "lock.json", lock)
    for path in [other.folder, *other.folder.rglob("*")]:
        os.chown(path, other.user.pw_uid, other.user.pw_gid)
    done = other.start(["-c", AS_OTHER], stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    probe = "import os; os.open('/dev/fuse', os.O_RDWR)"
    opens = other.start(["-c", probe], stderr=subprocess.DEVNULL).returncode == 0
    expected = image_file if opens else image_folder
    assert done.stdout.strip() == str(expected(Path("cache"), name_of(lock)))


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(small_disk, small, offline):
    lock, _, downloads = small
    cache = small_disk / "cache"
    shutil.copytree(downloads, cache)
    with pytest.raises(UserError, match=r"disk is too full(.|\n)*ASSAY_CACHE"):
        ensure_image(cache, lock, unpacked=False)
    assert os.listdir(cache / "images") == []
