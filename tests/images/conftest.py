"""Made-up packages, wheels and mirrors; and one real but small image that several tests share."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from assay.core.files import sha256_file, write_json
from assay.images.build import build_image, builder_tools
from assay.images.names import name_of, read_lock
from assay.images.pack import unpack_image
from assay.images.store import cache_root, tree_digest

SMALL = ("libc6", "libexpat1", "libgcc-s1", "libpython3.11-minimal", "libpython3.11-stdlib",
         "libssl3", "python3.11-minimal", "zlib1g")  # fmt: skip


def make_deb(folder: Path, name: str, files: dict[str, str], version: str = "1") -> Path:
    """Build a package; a text that starts with "-> " makes a link."""
    tree = folder / f"tree-{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    fields = f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
    (tree / "DEBIAN/control").write_text(fields + "Maintainer: N <n@n>\nDescription: made up\n")
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            (tree / path).symlink_to(text.removeprefix("-> "))
        else:
            (tree / path).write_text(text)
            (tree / path).chmod(0o755 if text.startswith("#!") else 0o644)
    made = folder / f"{name}_{version}_all.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", tree, made]
    subprocess.run(command, check=True, capture_output=True)
    return made


def make_wheel(folder: Path, name: str, text: str = "") -> Path:
    """Write a pure wheel of one module."""
    made = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    parts = {f"{name}.py": text, f"{info}/METADATA": metadata, f"{info}/WHEEL": tag}
    record = "".join(f"{path},,\n" for path in [*parts, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in (parts | {f"{info}/RECORD": record}).items():
            archive.writestr(path, content)
    return made


def deb_entry(file: Path, archive: Path) -> dict[str, str]:
    name, version, _ = file.stem.split("_")
    path = file.relative_to(archive).as_posix()
    return {"name": name, "version": version, "path": path, "sha256": sha256_file(file)}


def wheel_entry(file: Path) -> dict[str, str]:
    name, version = file.name.split("-")[:2]
    return {"name": name, "version": version, "file": file.name, "sha256": sha256_file(file)}


def open_to_others(folder: Path) -> None:
    """Let other users pass through pytest's own folders above a test's."""
    for above in [folder, *folder.parents]:
        if above.name.startswith(("pytest-", "popen-")) or above == folder:
            above.chmod(0o755)


@pytest.fixture
def use_mirror(tmp_path, monkeypatch):
    """Point this machine's apt at a local archive (None: at none), and pip at a local folder."""

    def use(archive: Path | None, wheels: Path | None = None) -> None:
        sources, configuration = tmp_path / "sources.list", tmp_path / "apt.conf"
        line = f"deb [trusted=yes] copy:{archive} bookworm main\n" if archive else ""
        sources.write_text(line)
        configuration.write_text(
            f'Dir::Etc::SourceList "{sources}";\nDir::Etc::SourceParts "/dev/null";\n'
        )
        monkeypatch.setenv("APT_CONFIG", str(configuration))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(wheels or tmp_path / "no-wheels"))

    return use


@pytest.fixture
def offline(use_mirror):
    """No mirror of Debian, no package index."""
    use_mirror(None)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 40 MB: enough for the downloads, not for the unpacked root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"can't mount a small disk here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="session")
def tools(repository, tmp_path_factory) -> Path:
    """The unpacked packages that hold the locked mksquashfs (from the cache)."""
    lock = read_lock(repository, "tools")
    return builder_tools(cache_root(), lock, tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="session")
def small(repository, tmp_path_factory, tools) -> tuple[dict, Path, Path]:
    """A lock of Debian's smallest Python and one made-up wheel; its image; its downloads."""
    folder = tmp_path_factory.mktemp("small")
    real = read_lock(repository, "tools")
    wheel = make_wheel(folder, "greeting", "TEXT = 'hello'\n")
    lock = {
        "name": "small", "inputs": {}, "suite": real["suite"],
        "links": {}, "environment": {"LANG": "C.UTF-8"},
        "packages": [entry for entry in real["packages"] if entry["name"] in SMALL],
        "builder_packages": real["builder_packages"],
        "wheels": [{"into": "system", "files": [wheel_entry(wheel)]}],
    }  # fmt: skip
    downloads = folder / "downloads"
    copy_downloads(lock, downloads, wheel)
    image = folder / "image.sqfs"
    (folder / "scratch").mkdir()
    build_image(downloads, lock, image, folder / "scratch")
    unpack_image(image, folder / "unpacked", tools)
    lock["result"] = {
        "image": name_of(lock), "sha256": sha256_file(image), "size": image.stat().st_size,
        "tree": tree_digest(folder / "unpacked"),
    }  # fmt: skip
    write_json(folder / "lock.json", lock)
    return lock, image, downloads


def copy_downloads(lock: dict, cache: Path, wheel: Path) -> None:
    """Fill a cache of a test's own with packages of the shared one."""
    (cache / "packages").mkdir(parents=True)
    for entry in [*lock["packages"], *lock["builder_packages"]]:
        name = f"{entry['sha256']}.deb"
        (cache / "packages" / name).write_bytes((cache_root() / "packages" / name).read_bytes())
    kept = cache / "wheels" / hashlib.sha256(wheel.read_bytes()).hexdigest() / wheel.name
    kept.parent.mkdir(parents=True)
    kept.write_bytes(wheel.read_bytes())
