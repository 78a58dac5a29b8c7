"""Images of docker images: a real Apptainer pulls a made-up image from a fake registry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from fake_registry import FakeRegistry, below, entry, folder, layer

from assay.core import interpreters
from assay.core.errors import UserError
from assay.core.files import read_json, sha256_file
from assay.images import docker, docker_root, relock
from assay.images.apptainer import locate
from assay.images.apt import Package
from assay.images.build import ensure_image
from assay.images.fetch import fetch_packages
from assay.images.names import image_name, lock_path, read_lock
from assay.images.pack import unpack_image
from assay.images.root import lay_out
from assay.images.store import cache_root, image_file
from assay.images.unpack import unpack_packages

from .conftest import SMALL, make_wheel

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("docker-image")]

SEEN = "import sys, theirs; print(sys.prefix, theirs.TEXT)"
TINY = (
    folder("usr"), folder("usr/bin"), folder("usr/lib"), folder("usr/lib/tool"),
    entry("usr/bin/tool", "#!/bin/sh\n", mode=0o4755), folder("srv"), entry("srv/other", "x"),
    entry("usr/bin/again", "usr/bin/tool", tarfile.LNKTYPE),
    entry("usr/lib/tool/lib.so", "lib.so.1", tarfile.SYMTYPE),
    entry("usr/lib/tool/lib.so.1", "code"), entry("usr/lib/tool/gone", "x"),
    folder("usr/lib/cut"), entry("usr/lib/cut/old", "x"),
    entry("out", "/etc", tarfile.SYMTYPE), folder("dev"), entry("dev/full", "", tarfile.CHRTYPE),
)  # fmt: skip
TINY_TOP = (
    folder("usr"), folder("usr/lib"), folder("usr/lib/tool"), entry("usr/lib/tool/.wh.gone"),
    folder("usr/lib/cut"), entry("usr/lib/cut/.wh..wh..opq"), entry("usr/lib/cut/new", "y"),
)  # fmt: skip


@pytest.fixture(scope="module")
def registry():
    """The fake registry; Apptainer and our client speak to it without TLS."""
    with pytest.MonkeyPatch.context() as monkeypatch, FakeRegistry().serve() as made:
        found = locate(cache_root())
        assert found, "`make setup` finds or installs Apptainer"
        monkeypatch.setenv("PATH", f"{found}:{os.environ['PATH']}")
        monkeypatch.setenv("APPTAINER_NOHTTPS", "1")
        # What the workflow sets for containers must not reach a build.
        monkeypatch.setenv("APPTAINER_BIND", "/nowhere:/nowhere")
        yield made


@pytest.fixture(scope="module")
def tiny(registry):
    """An image without Python, as a lock has it."""
    digest = registry.add_image("lab/tiny", "1", [layer(TINY), layer(TINY_TOP)])
    return {"image": f"{registry.host}/lab/tiny:1", "digest": digest, "size": 1}


@pytest.fixture(scope="module")
def unpacked(tiny, tmp_path_factory):
    base = tmp_path_factory.mktemp("tiny")
    docker.unpack(base / "cache", tiny, base / "root")
    return base / "root"


def names(root: Path) -> set[str]:
    paths = (path for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(root).as_posix() for path in paths}


def test_layers_are_applied_and_what_apptainer_adds_is_gone(unpacked):
    assert names(unpacked) - {"etc/hosts", "etc/resolv.conf"} == {
        "out", "srv/other", "usr/bin/again", "usr/bin/tool", "usr/lib/cut/new",
        "usr/lib/tool/lib.so", "usr/lib/tool/lib.so.1",
    }  # fmt: skip
    assert (unpacked / "usr/bin/again").samefile(unpacked / "usr/bin/tool")
    assert os.listdir(unpacked / "dev") == []


def test_only_what_is_named_is_taken(unpacked, tmp_path):
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/tool").write_text("Debian's")
    docker.take(unpacked, ["usr/bin/tool", "usr/lib/tool"], tmp_path)
    assert names(tmp_path) == {"usr/bin/tool", "usr/lib/tool/lib.so", "usr/lib/tool/lib.so.1"}
    assert (tmp_path / "usr/bin/tool").read_text() == "#!/bin/sh\n"
    assert (tmp_path / "usr/lib/tool/lib.so").readlink() == Path("lib.so.1")


@pytest.mark.parametrize("name", ["usr/bin/none", "usr/lib/tool/gone", "out/passwd"])
def test_what_is_not_there_or_outside_is_not_taken(unpacked, tmp_path, name):
    with pytest.raises(UserError, match=rf"does not hold(.|\n)*{name}"):
        docker.take(unpacked, [name], tmp_path)
    assert names(tmp_path) == set()


def test_a_pipe_is_refused_by_name(registry, tmp_path):
    layers = [layer([folder("var"), entry("var/pipe", "", tarfile.FIFOTYPE)])]
    digest = registry.add_image("lab/pipe", "1", layers)
    lock = {"image": f"{registry.host}/lab/pipe:1", "digest": digest, "size": 1}
    with pytest.raises(UserError, match=r"device, pipe or socket(.|\n)*var/pipe"):
        docker.unpack(tmp_path / "cache", lock, tmp_path / "root")


def test_a_layer_of_other_bytes_is_refused(registry, tmp_path):
    good, bad = layer([entry("a", "good")]), layer([entry("a", "evil")])
    digest = registry.add_image("lab/changed", "1", [good])
    registry.blobs[registry.add_blob(good)] = bad
    lock = {"image": f"{registry.host}/lab/changed:1", "digest": digest, "size": 1}
    with pytest.raises(UserError, match=r"can't fetch or unpack(.|\n)*make relock"):
        docker.unpack(tmp_path / "cache", lock, tmp_path / "root")


@pytest.mark.parametrize("step", ["build", "relock"])
def test_a_full_disk_is_a_clear_error_and_leaves_nothing(registry, repository, small_disk, step):
    """As Apptainer meets it: 60 MB of an image on a disk of 40 MB."""
    digest = registry.add_image("lab/large", "1", [layer([entry("zeros", bytes(60_000_000))])])
    image = f"{registry.host}/lab/large:1"
    real = read_lock(repository, "tools")
    lock = {
        "name": "large", "packages": [], "builder_packages": real["builder_packages"],
        "wheels": [], "links": {}, "environment": {},
        "docker": {"image": image, "digest": digest, "size": 1, "python": "3.11"},
        "result": {"image": "large", "sha256": "", "tree": ""},
    }  # fmt: skip
    steps = {"build": ensure_image, "relock": relock.measure}
    with pytest.raises(UserError, match=r"disk is too full(.|\n)*six times(.|\n)*ASSAY_CACHE"):
        steps[step](small_disk, lock)
    assert os.listdir(small_disk / "images") == []


@pytest.mark.parametrize("case", ["gone", "down"])
def test_a_digest_that_no_registry_offers_is_told(registry, tmp_path, case):
    host = registry.host if case == "gone" else "127.0.0.1:9"
    lock = {"image": f"{host}/lab/tiny:1", "digest": f"sha256:{'2' * 64}", "size": 1}
    with pytest.raises(UserError, match=r"can't fetch(.|\n)*sha256:2222(.|\n)*check the network"):
        docker.unpack(tmp_path / "cache", lock, tmp_path / "root")


def test_without_apptainer_it_is_told(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match=r"there is none here(.|\n)*make setup"):
        docker.unpack(tmp_path / "cache", tiny, tmp_path / "root")


def test_of_apptainers_settings_only_those_for_registries_arrive(tiny, tmp_path, monkeypatch):
    fake = tmp_path / "bin/apptainer"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "fake version 1.4.5" && exit\n'
                    "env | grep -E '^(APPTAINER|SINGULARITY)' | sort\nexit 1\n")  # fmt: skip
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    monkeypatch.setenv("APPTAINER_NV", "1")
    monkeypatch.setenv("APPTAINER_DOCKER_USERNAME", "somebody")
    with pytest.raises(UserError) as error:
        docker.unpack(tmp_path / "cache", tiny, tmp_path / "root")
    assert error.value.details["given"].splitlines() == [
        f"APPTAINER_CACHEDIR={tmp_path}/cache/docker", "APPTAINER_DOCKER_USERNAME=somebody",
        "APPTAINER_NOHTTPS=1", f"APPTAINER_TMPDIR={tmp_path}",
    ]  # fmt: skip


def test_a_run_from_a_bundle_does_not_ask_the_registry(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_BUNDLE", "carried")
    with pytest.raises(UserError, match=r"asks no network(.|\n)*lab/tiny@sha256"):
        docker.unpack(tmp_path / "cache", tiny, tmp_path / "root")


def test_the_engines_know_the_place_of_the_virtual_environment(monkeypatch):
    assert str(interpreters.APART) == f"/{docker_root.APART}"
    assert interpreters.engines_python() == interpreters.sys.executable
    monkeypatch.setattr(interpreters.sys, "prefix", "/usr/lib/assay")
    monkeypatch.setattr(interpreters.sys, "base_prefix", "/usr")
    assert interpreters.engines_python().startswith("/usr/bin/python3.")


def completed(root: Path) -> None:
    docker_root.install_apart([], "3.11", root)
    docker_root.finish(root, "x", {"environment": {}, "links": {}, "docker": {"python": "3.11"}})


@pytest.mark.parametrize("name", ["etc", "usr/lib/assay"])
def test_a_link_where_our_files_belong_is_refused(tmp_path, name):
    root, outside = tmp_path / "root", tmp_path / "outside"
    for path in (outside, root / "usr/bin", root / "usr/lib/x86_64-linux-gnu"):
        path.mkdir(parents=True)
    for path in ("usr/bin/python3.11", docker_root.LOADER):
        (root / path).write_text("")
    (root / name).symlink_to(outside)
    with pytest.raises(UserError, match=rf"a link or file(.|\n)*{name}"):
        completed(root)
    assert os.listdir(outside) == []


def test_an_image_without_the_named_python_is_refused(unpacked):
    with pytest.raises(UserError, match=r"has not the Python(.|\n)*3\.12"):
        docker_root.install_apart([], "3.12", unpacked)


class FakeApt:
    """A fake of apt: the packages of a lock are what it resolves to."""

    def __init__(self, lock: dict) -> None:
        self.lock = lock

    def closure(self, packages, _left_out=()):
        entries = self.lock["packages" if "dash" in packages else "builder_packages"]
        return [Package(**one) for one in entries if one["name"] in (*SMALL, *packages)
                or "dash" not in packages]  # fmt: skip


@pytest.fixture(scope="module")
def place(registry, repository, tmp_path_factory):
    """A repository with two recipes of docker images, a cache with downloads, both relocked."""
    base = tmp_path_factory.mktemp("relocked")
    real, cache = read_lock(repository, "tools"), base / "cache"
    (cache / "packages").mkdir(parents=True)
    for one in [*real["packages"], *real["builder_packages"]]:
        name = f"packages/{one['sha256']}.deb"
        shutil.copyfile(cache_root() / name, cache / name)
    _python_image(registry, real, cache, base)
    registry.add_image("lab/tiny", "1", [layer(TINY), layer(TINY_TOP)], indexed=False)
    wheel = make_wheel(base / "index", "greeting", "TEXT = 'hello'\n")
    (base / "envs").mkdir()
    (base / "envs/one.txt").write_text(f"greeting==1.0 --hash=sha256:{sha256_file(wheel)}\n")
    _recipe(base, "engine-whole", packages=[], into="apart",
            docker={"image": f"{registry.host}/lab/python:1", "python": "3.11"})  # fmt: skip
    _recipe(base, "engine-part", packages=["dash"], into="system",
            docker={"image": f"{registry.host}/lab/tiny:1",
                    "take": ["usr/bin/tool", "usr/lib/tool"]})  # fmt: skip
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(relock.apt, "open_suite", lambda *_: FakeApt(real))
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_FIND_LINKS", str(base / "index"))
        relock.relock_all(base, cache, [])
        assert not list(base.glob("containers/locks/*")), "what is not resolved is left out"
        for name in ("engine-whole", "engine-part"):
            relock.relock_all(base, cache, [name])
    return base


def _recipe(base: Path, name: str, *, packages, into, docker) -> None:
    path = base / "containers" / f"{name}.yaml"
    (path.parent / "locks").mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({
        "suite": "bookworm", "packages": packages, "builder_packages": ["squashfs-tools"],
        "wheels": [{"requirements": "envs/one.txt", "into": into}], "docker": docker,
        "links": {"usr/bin/made": "tool"}, "environment": {"COLOUR": "blue"},
    }))  # fmt: skip


def _python_image(registry, real: dict, cache: Path, base: Path) -> None:
    """Serve an image with Debian's Python, a package of its own, and what has to go or be even."""
    root = base / "docker"
    root.mkdir()
    lay_out(root)
    wanted = [one for one in real["packages"] if one["name"] in (*SMALL, "dash")]
    unpack_packages(fetch_packages(cache, wanted), root)
    top = layer([
        entry("usr/bin/sh", "dash", tarfile.SYMTYPE), folder("secret", 0o700),
        entry("secret/key", "k", mode=0o600), entry("etc/hosts", "9.9.9.9 evil\n"),
        entry("usr/local/lib/python3.11/dist-packages/theirs.py", "TEXT = 'theirs'\n"),
        entry("usr/local/lib/python3.11/dist-packages/__pycache__/theirs.cpython-311.pyc", "old"),
        entry("usr/bin/python3", "python3.11", tarfile.SYMTYPE),
    ])  # fmt: skip
    registry.add_image("lab/python", "1", [layer(below(root)), top])
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def whole(place, tools):
    """The unpacked image whose root is the docker image's."""
    lock = read_lock(place, "engine-whole")
    image = image_file(place / "cache", lock["result"]["image"])
    unpack_image(image, place / "whole", tools)
    return place / "whole"


def test_a_lock_pins_digest_and_size(place, registry):
    lock = read_lock(place, "engine-whole")
    assert lock["docker"]["digest"] in {digest for _, digest in registry.manifests}
    assert lock["docker"]["size"] > 1_000_000
    assert lock["docker"]["python"] == lock["wheels"][0]["python"] == "3.11"
    assert lock["packages"] == []
    assert image_name("engine-whole", place) == lock["result"]["image"]
    part = read_lock(place, "engine-part")
    assert part["docker"]["take"] == ["usr/bin/tool", "usr/lib/tool"]
    assert "python" not in part["wheels"][0]


def test_the_docker_image_stays_and_ours_comes_beside_it(whole):
    assert json.loads((whole / "etc/assay-image.json").read_text())["image"].startswith("engine-w")
    assert "evil" not in (whole / "etc/hosts").read_text()
    assert (whole / "secret/key").stat().st_mode & 0o777 == 0o644
    assert (whole / ".singularity.d/env/99-base.sh").read_text().endswith("COLOUR='blue'\n")
    assert os.listdir(whole / ".singularity.d") == ["env"]
    assert (whole / "usr/lib/assay/lib/python3.11/site-packages/greeting.py").is_file()
    compiled = whole / "usr/local/lib/python3.11/dist-packages/__pycache__"
    assert (compiled / "theirs.cpython-311.pyc").read_bytes() != b"old"


def test_steps_run_by_our_python_and_the_engine_by_the_images(whole):
    def told(*command: str) -> subprocess.CompletedProcess[str]:
        flags = ["--userns", "--containall", "--cleanenv", "--net", "--network", "none"]
        environment = {name: text for name, text in os.environ.items() if name != "APPTAINER_BIND"}
        return subprocess.run(
            ["apptainer", "exec", *flags, str(whole), *command], text=True, capture_output=True,
            env=environment, check=False,
        )  # fmt: skip

    ours = told("sh", "-c", 'python3 -c "import greeting, sys; print(sys.prefix, greeting.TEXT)"')
    assert ours.stdout == "/usr/lib/assay hello\n", ours.stderr
    assert "No module named 'theirs'" in told("python3", "-c", "import theirs").stderr
    theirs = told("/usr/bin/python3.11", "-c", SEEN)
    assert theirs.stdout == "/usr theirs\n", theirs.stderr
    both = told("/usr/bin/python3.11", "-c", "import greeting").stderr
    assert "No module named 'greeting'" in both


def test_the_debian_root_gets_only_what_is_taken(place, tools):
    lock = read_lock(place, "engine-part")
    unpack_image(image_file(place / "cache", lock["result"]["image"]), place / "part", tools)
    found = names(place / "part")
    assert {"usr/bin/tool", "usr/lib/tool/lib.so.1", "usr/bin/dash", "usr/bin/made"} <= found
    assert not {"usr/bin/again", "usr/lib/cut/new", "srv/other", "usr/lib/tool/gone"} & found
    assert (place / "part/usr/bin/tool").stat().st_mode & 0o7777 == 0o755
    assert (place / "part/usr/local/lib/python3.11/dist-packages/greeting.py").is_file()


@pytest.mark.parametrize("name", ["engine-whole", "engine-part"])
def test_built_again_elsewhere_with_another_umask_it_is_the_same_bytes(place, tmp_path, name):
    lock = read_lock(place, name)
    for kind in ("packages", "wheels"):
        shutil.copytree(place / "cache" / kind, tmp_path / "b" / kind)
    before = os.umask(0o077)
    try:
        made = ensure_image(tmp_path / "b", lock, unpacked=False)
    finally:
        os.umask(before)
    assert made.read_bytes() == image_file(place / "cache", made.stem).read_bytes()


def test_an_unknown_image_is_not_relocked(place):
    with pytest.raises(UserError, match=r"no such image(.|\n)*engine-none(.|\n)*engine-part"):
        relock.relock_all(place, place / "cache", ["engine-none"])


def test_a_recipe_without_a_lock_is_refused_with_the_command(place, tmp_path):
    shutil.copytree(place / "containers", tmp_path / "containers")
    assert read_json(lock_path(tmp_path, "engine-part"))["name"] == "engine-part"
    lock_path(tmp_path, "engine-part").unlink()
    with pytest.raises(UserError, match=r"not resolved(.|\n)*make relock ENGINE=engine-part"):
        image_name("engine-part", tmp_path)
