"""Real archives and real git repositories, made on the spot; nothing here leaves the machine."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.sources.fetch import fetch
from assay.sources.tree import FILE, FOLDER, LINK, PROGRAM, Entry

WHEN = "1600000000 +0200"
STAMP = "2020-09-13T12:26:40Z"


@pytest.fixture(autouse=True)
def _no_proxy_and_no_pip_settings(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.fixture
def files():
    """A small package: a folder, a program, a link, an empty file, names outside ASCII."""
    return {
        "LICENSE": Entry(FILE, b"Permission is hereby granted, free of charge, to any person\n"
                               b"obtaining a copy of this software\n"),
        "README.rst": Entry(FILE, "größer\r\n".encode()),
        "demo/__init__.py": Entry(FILE, b"VERSION = '1.0'\n"),
        "demo/data/naïve 名.txt": Entry(FILE, b"\0\xff"),
        "demo-extra.py": Entry(FILE),
        "demo.py": Entry(FILE, b"pass\n"),
        "run.sh": Entry(PROGRAM, b"#!/bin/sh\n"),
        "tests/current": Entry(LINK, b"../demo"),
    }  # fmt: skip


class Repository:
    """A git repository, written by git itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "--quiet", "--initial-branch=main", ".")

    def git(self, *arguments, stdin=b"", check=True):
        self.path.mkdir(parents=True, exist_ok=True)
        place = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        people = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in {"NAME": "A", "EMAIL": "a@example.org", "DATE": WHEN}.items()
        }
        own = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, input=stdin, capture_output=True,
            env=place | people | own, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip().decode()

    def commit(self, files=None) -> str:
        for name, entry in (files or {}).items():
            path = Path(os.fsdecode(os.fsencode(self.path) + b"/" + os.fsencode(name)))
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.mode == LINK:
                path.symlink_to(os.fsdecode(entry.data))
            elif entry.mode == FOLDER:
                path.mkdir()
            else:
                path.write_bytes(entry.data)
                path.chmod(0o755 if entry.mode == PROGRAM else 0o644)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "-m", "c")
        return self.git("rev-parse", "HEAD")

    def commit_tree(self, rows: list[bytes]) -> str:
        """Commit a tree of `mode type id<TAB>name` rows, whatever git's index would think of it."""
        tree = self.git("mktree", "-z", "--missing", stdin=b"".join(row + b"\0" for row in rows))
        commit = self.git("commit-tree", tree, "-m", "c")
        self.git("update-ref", "refs/heads/main", commit)
        return commit

    def blob(self, data: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", stdin=data)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


@pytest.fixture
def new_repository(tmp_path):
    return lambda name: Repository(tmp_path / name)


def tar_member(name, data=b"", mode=0o644, mtime=1_500_000_000, **fields):
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(data), mode, mtime
    member.uid, member.uname = 1234, "somebody"
    for field, value in fields.items():
        setattr(member, field, value)
    return member, data


@pytest.fixture
def tar(tmp_path):
    """A function that writes a tar of (member, data) pairs, and returns its path."""

    def make(*members, name="demo-1.0.tar.gz", form=tarfile.PAX_FORMAT):
        path = tmp_path / name
        mode = {"gz": "w:gz", "z2": "w:bz2", "xz": "w:xz"}.get(name[-2:], "w")
        with tarfile.open(path, mode, format=form) as archive:
            for member, data in members:
                archive.addfile(member, io.BytesIO(data))
        return path

    return make


@pytest.fixture
def member():
    return tar_member


@pytest.fixture
def packed(tar, tmp_path):
    """A function that packs a tree below one top-level folder, in an order of its own."""

    def make(files, name="demo-1.0.tar.gz"):
        if name.endswith(("zip", "whl")):
            return zipped(files, tmp_path / name)
        kinds = {LINK: tarfile.SYMTYPE, FOLDER: tarfile.DIRTYPE}
        members = []
        for path, entry in reversed(files.items()):
            mode = 0o700 if entry.mode == PROGRAM else 0o664
            if entry.mode == LINK:
                one = tar_member(f"demo-1.0/{path}", type=tarfile.SYMTYPE,
                                 linkname=os.fsdecode(entry.data))  # fmt: skip
            else:
                one = tar_member(f"./demo-1.0/{path}", entry.data, mode,
                                 type=kinds.get(entry.mode, tarfile.REGTYPE))  # fmt: skip
            members.append(one)
        return tar(*members, name=name)

    return make


def zipped(files, path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, entry in files.items():
            row = zipfile.ZipInfo(f"demo-1.0/{name}", (2017, 7, 14, 2, 40, 0))
            row.external_attr = entry.mode << 16
            row.create_system, row.compress_type = 3, zipfile.ZIP_DEFLATED
            archive.writestr(row, entry.data)
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def local():
    """A function that gives the source settings of an archive on this machine."""
    return lambda path, **more: {"archive": {"path": str(path), "sha256": digest(path)}, **more}


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def fetched(tmp_path, cache):
    """A function that fetches a source, and returns the tar's bytes and the record."""

    def get(source, run="out"):
        tar, record = tmp_path / run / "source.tar", tmp_path / run / "source.json"
        fetch({"source": source}, cache, tar, record)
        assert sorted(path.name for path in tar.parent.iterdir()) == ["source.json", "source.tar"]
        found = json.loads(record.read_text(encoding="utf-8"))
        assert found["source_sha256"] == digest(tar)
        return tar.read_bytes(), found

    return get


@pytest.fixture
def refused(tmp_path, cache):
    """A function that fetches what must be refused, cleanly, and returns the error."""

    def get(source):
        with pytest.raises(UserError) as caught:
            fetch({"source": source}, cache, tmp_path / "none" / "t", tmp_path / "none" / "r")
        assert caught.value.exit_code == 2
        assert caught.value.details["where"]
        assert not list((tmp_path / "none").glob("*")), "a file is left behind"
        left = [path for path in cache.rglob("*") if path.name[0] == "."]
        assert not left, "the cache holds something unfinished"
        return caught.value

    return get


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        denied = self.server.denied
        if denied and denied in self.path:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="r"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()


@pytest.fixture
def http(tmp_path):
    """A web server on loopback that shows a folder; `denied`: asks for a password there."""
    folder = tmp_path / "www"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    server.asked, server.denied, server.folder = [], "", folder
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def root():
    return Path(__file__).parents[2]
