"""The step as a whole: one tree from either kind of source, its record, and its refusals."""

import fcntl
import json
import os
import pty
import shutil
import subprocess
import sys
import tarfile
import termios

import pytest

from assay.sources import store
from assay.sources.tree import FILE, LINK, Entry

META = b"Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\nLicense: ISC\n"


@pytest.fixture
def program(root, tmp_path, cache):
    """A function that runs scripts/fetch_source.py on a source."""

    def start(source, run="out", **environment):
        out = tmp_path / run
        command = [
            sys.executable, root / "scripts" / "fetch_source.py", "--target", "demo",
            "--cache", cache, "--source", out / "source.tar", "--record", out / "source.json",
            "--settings", json.dumps({"target": {"source": source}}),
        ]  # fmt: skip
        return subprocess.run(
            command, capture_output=True, text=True, env=os.environ | environment, cwd=tmp_path,
            stdin=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    return start


def test_an_archive_and_a_commit_of_one_tree_give_the_same_bytes(
    files, packed, repository, local, fetched
):
    commit = repository.commit(files)
    by_git, git_record = fetched({"git": {"url": str(repository.path), "commit": commit}}, "git")
    for name in ("demo-1.0.tar.gz", "demo-1.0.tar.xz", "demo-1.0.zip"):
        by_archive, record = fetched(local(packed(files, name)), f"of-{name}")
        assert by_archive == by_git
        for field in ("source_sha256", "licence", "files", "links", "bytes"):
            assert record[field] == git_record[field]
        assert record["swhid"]["directory"] == git_record["swhid"]["directory"]
    assert git_record["swhid"]["directory"] == f"swh:1:dir:{repository.git('write-tree')}"


def test_the_record_of_a_commit(files, repository, fetched):
    commit = repository.commit(files)
    url = f"file://{repository.path}"
    _, record = fetched({"git": {"url": url, "commit": commit}})
    sha256 = record.pop("source_sha256")
    assert len(sha256) == 64
    assert record == {
        "kind": "git", "name": None, "version": None, "file": None, "archive_sha256": None,
        "url": url, "commit": commit, "tree": repository.git("write-tree"),
        "swhid": {"directory": f"swh:1:dir:{repository.git('write-tree')}",
                  "revision": f"swh:1:rev:{commit}"},
        "licence": {"spdx": "MIT", "from": "LICENSE", "declared": [], "files": ["LICENSE"]},
        "dates": {"newest_member": None, "committed": "2020-09-13T12:26:40Z",
                  "authored": "2020-09-13T12:26:40Z"},
        "files": 7, "links": 1, "bytes": sum(len(entry.data) for entry in files.values()),
    }  # fmt: skip


def test_the_record_of_an_archive(files, packed, local, fetched):
    path = packed(files | {"PKG-INFO": Entry(FILE, META)})
    _, record = fetched(local(path))
    assert (record["kind"], record["name"], record["version"]) == ("archive", "Demo", "1.0")
    assert record["archive_sha256"] == local(path)["archive"]["sha256"]
    assert record["dates"]["newest_member"] == "2017-07-14T02:40:00Z"
    assert record["licence"]["spdx"] == "ISC"
    assert record["url"] is record["commit"] is record["swhid"]["revision"] is None


def test_a_second_run_needs_no_network_and_gives_the_same(
    files, packed, repository, http, local, fetched, monkeypatch
):
    archive = packed(files)
    sha256 = local(archive)["archive"]["sha256"]
    page = http.folder / "simple" / "demo" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<html><body><a href="/{archive.name}">{archive.name}</a></body></html>')
    shutil.move(archive, http.folder)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"{http.address}/simple/")
    commit = repository.commit(files)
    repository.git("clone", "--quiet", "--bare", ".", str(http.folder / "r.git"))
    repository.git(f"--git-dir={http.folder / 'r.git'}", "update-server-info")
    named = {"package": "demo", "version": "1.0", "file": archive.name, "sha256": sha256}
    sources = [{"archive": named}, {"git": {"url": f"{http.address}/r.git", "commit": commit}}]
    first = [fetched(source, f"1{n}") for n, source in enumerate(sources)]
    assert http.asked
    http.asked.clear()
    shutil.rmtree(http.folder)
    assert [fetched(source, f"2{n}") for n, source in enumerate(sources)] == first
    assert http.asked == []


@pytest.mark.parametrize("name", ["HEAD", "HEAD:LICENSE"])
def test_a_damaged_cache_is_fetched_again(name, files, repository, cache, fetched):
    source = {"git": {"url": str(repository.path), "commit": repository.commit(files)}}
    first = fetched(source, "1")
    number = repository.git("rev-parse", name)
    (one,) = cache.rglob(f"objects/{number[:2]}/{number[2:]}")
    raw = bytearray(one.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    one.chmod(0o644)
    one.write_bytes(raw)
    assert fetched(source, "2") == first


def test_what_is_not_the_pinned_archive_is_refused(files, packed, local, refused, cache):
    source = local(packed(files))
    right = source["archive"]["sha256"]
    error = refused({"archive": source["archive"] | {"sha256": "0" * 64}})
    assert (error.details["given"], error.details["expected"]) == (right, "0" * 64)
    assert not list((cache / "archives").iterdir())
    for short in (right[:12], right.upper()):
        error = refused({"archive": source["archive"] | {"sha256": short}})
        assert "64 hex" in error.details["expected"]
    error = refused({"archive": source["archive"] | {"path": "/nowhere/x.tar", "sha256": "1" * 64}})
    assert "can't read" in error.what


def test_metadata_of_another_package_or_version_is_refused(files, packed, local, refused, fetched):
    source = local(packed(files | {"PKG-INFO": Entry(FILE, META)}))["archive"]
    assert fetched({"archive": source | {"package": "dEmO", "version": "1.0"}})
    error = refused({"archive": source | {"version": "1.1"}})
    assert (error.details["given"], error.details["expected"]) == ("1.1", "1.0")
    assert "version" in error.details["hint"]
    assert "another package" in refused({"archive": source | {"package": "other"}}).what


@pytest.mark.parametrize("content", [
    {"README": Entry(FILE, b"x"), "src/main.c": Entry(FILE)}, {"py": Entry(LINK, b"README")},
])  # fmt: skip
def test_a_source_without_python_is_refused(content, packed, repository, local, refused):
    for source in (
        local(packed(content)),
        {"git": {"url": str(repository.path), "commit": repository.commit(content)}},
    ):
        error = refused(source)
        assert "no Python" in error.what
        assert error.details["given"].split(", ") == sorted(content)
        assert error.details["hint"]


def test_an_empty_source_is_refused(repository, refused):
    source = {"git": {"url": str(repository.path), "commit": repository.commit()}}
    assert "empty" in refused(source).what


@pytest.mark.parametrize("source", [{}, {"archive": {}, "git": {}}])
def test_a_target_has_one_source(source, refused):
    assert refused(source).details["expected"] == "archive | git"


def test_an_archive_is_named_in_full(refused):
    error = refused({"archive": {"sha256": "0" * 64, "package": "demo"}})
    assert error.details["where"] == "source.archive"
    assert error.details["given"] == "no version, no file"


def test_the_limit_on_the_unpacked_size_is_a_setting(repository, packed, local, refused, fetched):
    files = {"a.py": Entry(FILE, bytes(1_000_100))}
    git = {"url": str(repository.path), "commit": repository.commit(files)}
    for source in (local(packed(files)), {"git": git}):
        error = refused(source | {"max_unpacked_mb": 1})
        assert error.details["expected"] == "at most 1000000 bytes"
    assert fetched({"git": git, "max_unpacked_mb": 2})


def test_the_limit_is_a_key_that_the_schema_knows(root):
    import jsonschema
    import yaml

    schema = yaml.safe_load((root / "config" / "config.schema.yaml").read_text())
    rule = {"$ref": "#/$defs/source", "$defs": schema["$defs"]}
    archive = {"archive": {"path": "x", "sha256": "0" * 64}}
    jsonschema.validate(archive | {"max_unpacked_mb": 1}, rule)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(archive | {"max_unpacked_mb": 0}, rule)


def test_an_archive_that_goes_on_and_on_leaves_nothing_behind(
    files, packed, local, refused, monkeypatch
):
    source = local(packed(files))
    monkeypatch.setattr(store, "MAX_BYTES", 100)
    assert "does not end" in refused(source).what


# The program: what a user sees.


def test_the_program_writes_both_files(files, packed, local, program, tmp_path):
    source = local(packed(files))
    for run, environment in (
        ("a", {}), ("b", {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7"}),
    ):  # fmt: skip
        done = program(source, run, **environment)
        assert done.returncode == 0, done.stderr
    for name in ("source.tar", "source.json"):
        one, two = (tmp_path / run / name for run in "ab")
        assert one.read_bytes() == two.read_bytes()
        assert one.stat().st_mode & 0o777 == 0o644
    with tarfile.open(tmp_path / "a" / "source.tar") as archive:
        assert "demo/__init__.py" in archive.getnames()


def mistakes(repository, packed, local, tar, member):
    files = {"a.py": Entry(FILE)}
    commit = repository.commit(files)
    archive, url = local(packed(files))["archive"], str(repository.path)
    up = local(tar(member("d/../../up.py"), name="up.tar"))
    return {
        "wrong digest": {"archive": archive | {"sha256": "f" * 64}},
        "leaves the root": up,
        "short commit": {"git": {"url": url, "commit": commit[:10]}},
        "unreachable": {"git": {"url": "https://[x", "commit": "f" * 40}},
    }


def test_the_users_mistakes_end_with_2_and_no_traceback(
    repository, packed, local, tar, member, program, tmp_path
):
    for what, source in mistakes(repository, packed, local, tar, member).items():
        done = program(source)
        assert done.returncode == 2, f"{what}: {done.stderr}"
        assert "Traceback" not in done.stderr
        assert "error: " in done.stderr
        assert "where:" in done.stderr
        left = {path.name for path in (tmp_path / "out").iterdir()}
        assert left <= {".source.tar.lock"}, what
    assert not (tmp_path / "up.py").exists()


def test_nobody_is_asked_for_a_password(http, root, tmp_path, cache):
    http.denied = "r.git"
    source = {"git": {"url": f"{http.address}/r.git", "commit": "a" * 40}}
    master, slave = pty.openpty()
    asked = tmp_path / "asked"
    helper = tmp_path / "askpass"
    helper.write_text(f"#!/bin/sh\ntouch '{asked}'\necho x\n")
    helper.chmod(0o755)
    # The step gets a terminal of its own, on which git would ask if it were let.
    done = subprocess.run(
        [sys.executable, root / "scripts" / "fetch_source.py", "--target", "demo", "--cache", cache,
         "--source", tmp_path / "s", "--record", tmp_path / "r",
         "--settings", json.dumps({"target": {"source": source}})],
        stdin=slave, stdout=slave, stderr=subprocess.PIPE, text=True, timeout=30,
        env=os.environ | {"GIT_ASKPASS": str(helper), "SSH_ASKPASS": str(helper), "DISPLAY": ":9"},
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.set_blocking(master, False)
    try:
        shown = os.read(master, 4096)
    except BlockingIOError:
        shown = b""
    os.close(master)
    os.close(slave)
    assert done.returncode == 2, done.stderr
    assert b"Username" not in shown
    assert not asked.exists()
    assert "can't fetch from the git repository" in done.stderr
