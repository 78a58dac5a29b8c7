"""A made-up repository with a made-up cache: tiny files in the place of images, wheels, weights."""

from __future__ import annotations

import hashlib
import io
import platform
import shutil
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from assay.bundling.needs import run_of
from assay.bundling.pack import Packed, Wish, pack
from assay.core.files import sha256_file, write_bytes, write_json
from assay.images.names import name_of
from assay.workflow.run import Run


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_wheel(folder: Path, name: str, version: str = "1.0") -> Path:
    """A pure wheel of one module, small and installable."""
    made = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    parts = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*parts, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in (parts | {f"{info}/RECORD": record}).items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return made


def write_lock(place: Path, wheels: dict[str, Path]) -> None:
    """A lock of requirement lines (with markers) and their wheels."""
    lines = [
        f"{line} \\\n    --hash=sha256:{sha256_file(wheel)}\n" for line, wheel in wheels.items()
    ]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("".join(lines))


def git(*arguments: str, cwd: Path) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=n@n", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@dataclass
class Place:
    """A made-up repository and its cache."""

    repository: Path
    cache: Path

    def run(self, config: Path | None = None) -> Run:
        return run_of(self.repository, config)

    def pack(self, to: Path, config: Path | None = None, **wish: object) -> Packed:
        return pack(self.run(config), self.cache, to, Wish(**wish))


def _image(place: Place, recipe: str) -> None:
    def kept(kind: str, data: bytes, name: str) -> None:
        write_bytes(place.cache / kind / name, data)

    debs = [f"deb of {word}".encode() for word in ("shared", recipe)]
    builder = b"deb of the builder"
    for deb in (*debs, builder):
        kept("packages", deb, f"{digest(deb)}.deb")
    wheel = f"wheel of {recipe}".encode()
    kept(f"wheels/{digest(wheel)}", wheel, "made_up-1.0-py3-none-any.whl")

    def entry(data: bytes) -> dict[str, str]:
        return {"name": "made-up", "version": "1", "path": "pool/x", "sha256": digest(data)}

    lock = {
        "name": recipe, "inputs": {}, "suite": "bookworm", "links": {}, "environment": {},
        "packages": [entry(deb) for deb in debs], "builder_packages": [entry(builder)],
        "wheels": [{"into": "system", "files": [
            {**entry(wheel), "file": "made_up-1.0-py3-none-any.whl"}]}],
    }  # fmt: skip
    content = f"squashfs of {recipe}".encode()
    lock["result"] = {"image": name_of(lock), "sha256": digest(content), "tree": ""}
    kept("images", content, f"{name_of(lock)}.sqfs")
    write_json(place.repository / f"containers/locks/{recipe}.lock.json", lock)


def _target(place: Place, folder: Path) -> None:
    """A target of a made-up archive, and one of a made-up repository."""
    config = place.repository / "config/targets"
    described = yaml.safe_load((config / "cerberus.yaml").read_text())
    archive = folder / "tiny-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo("tiny-1.0/tiny/__init__.py")
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"x = 1\n"))
    described["source"] = {"archive": {"path": str(archive), "sha256": sha256_file(archive)}}
    (config / "tiny.yaml").write_text(yaml.safe_dump(described))
    source = folder / "source"
    (source / "tiny").mkdir(parents=True)
    (source / "tiny/__init__.py").write_text("x = 2\n")
    git("init", "--quiet", cwd=source)
    git("add", ".", cwd=source)
    git("commit", "--quiet", "-m", "one", cwd=source)
    commit = git("rev-parse", "HEAD", cwd=source)
    described["source"] = {"git": {"url": str(source), "commit": commit}}
    (config / "tiny-git.yaml").write_text(yaml.safe_dump(described))


def _model(place: Place, folder: Path) -> None:
    config = place.repository / "config/models"
    described = yaml.safe_load((config / "smollm2-135m.yaml").read_text())
    weights = folder / "weights.gguf"
    weights.write_bytes(b"made-up weights")
    described["weights"] = {
        "kind": "path", "path": str(weights), "sha256": sha256_file(weights),
        "size": weights.stat().st_size, "licence": "Apache-2.0",
    }  # fmt: skip
    (config / "tiny.yaml").write_text(yaml.safe_dump(described))
    _snapshot(place, folder / "snapshot")


def _snapshot(place: Place, folder: Path) -> None:
    """A model of several files, `several.yaml`; the default run does not name it."""
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text(f"made-up {name}")
    config = place.repository / "config/models"
    described = yaml.safe_load((config / "smollm2-135m-vllm.yaml").read_text())
    described["image"] = "engine-llamacpp"
    described["weights"] = {
        "kind": "snapshot", "path": str(folder), "licence": "Apache-2.0",
        "files": [
            {"file": path.name, "sha256": sha256_file(path), "size": path.stat().st_size}
            for path in sorted(folder.iterdir())
        ],
    }  # fmt: skip
    (config / "several.yaml").write_text(yaml.safe_dump(described))


@pytest.fixture(scope="session")
def template(tmp_path_factory, repository) -> Path:
    """The made-up repository, its cache, and the bundle of its run: made once, copied by tests."""
    base = tmp_path_factory.mktemp("made-up")
    made = Place(base / "repository", base / "cache")
    shutil.copytree(repository / "config", made.repository / "config")
    (made.repository / "Makefile").write_text("all:\n")
    wheel = write_wheel(base / "made", "greeting")
    write_lock(made.repository / "envs/host.txt", {"greeting==1.0": wheel})
    name = f"host-{sha256_file(made.repository / 'envs/host.txt')[:16]}"
    folder = made.cache / "wheels" / f"{name}-{platform.python_version()}"
    folder.mkdir(parents=True)
    shutil.copy(wheel, folder)
    write_bytes(made.cache / "apptainer/packages/apptainer_1%3a1.4.5-2_amd64.deb", b"made-up deb")
    for recipe in ("tools", "testbed-tiny", "testbed-tiny-git", "engine-llamacpp"):
        _image(made, recipe)
    _target(made, base)
    _model(made, base)
    (made.repository / "tiny.yaml").write_text(
        "run: tiny\ntargets: [tiny, tiny-git]\nmodels: [tiny, oracle]\n"
    )
    with pytest.MonkeyPatch.context() as monkeypatch:
        _close(monkeypatch, made.cache)
        made.pack(base / "to", made.repository / "tiny.yaml")
    return base


def _close(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """No index can be reached from here."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("ASSAY_CACHE", str(cache))


@pytest.fixture
def place(tmp_path, template, monkeypatch) -> Place:
    for name in ("repository", "cache", "to"):
        shutil.copytree(template / name, tmp_path / name)
    _close(monkeypatch, tmp_path / "cache")
    return Place(tmp_path / "repository", tmp_path / "cache")


@pytest.fixture
def config(place) -> Path:
    return place.repository / "tiny.yaml"


@pytest.fixture
def packed(place) -> Path:
    """The folder of a bundle of the made-up run."""
    return place.cache.parent / "to/tiny"


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Path:
    """An empty cache, in the place of the one that the bundle was made from."""
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "empty"))
    return tmp_path / "empty"
