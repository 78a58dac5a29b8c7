"""Commits come out of real repositories as they are, whatever the user's or their own settings."""

import os
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from assay.core.errors import UserError
from assay.sources.git import fetched, git, holds
from assay.sources.tree import FILE, Entry

ONE, TWO = {"a.py": Entry(FILE, b"1\n")}, {"a.py": Entry(FILE, b"2\n")}


def test_the_commit_is_fetched_whole_and_alone(repository, cache):
    first, second = repository.commit(ONE), repository.commit(TWO)
    place = fetched(f"file://{repository.path}", first, cache)
    assert holds(place, first)
    assert not holds(place, second)
    assert git(place, "show", f"{first}:a.py").stdout == b"1\n"
    assert not [path for path in place.rglob("*") if "hooks" in path.parts]
    assert fetched(str(repository.path), second, cache) != place


def test_a_commit_off_the_branches_is_found_too(repository, cache):
    first = repository.commit(ONE)
    repository.git("commit", "--amend", "--quiet", "-m", "other")
    assert holds(fetched(str(repository.path), first, cache), first)


@pytest.mark.parametrize("form", ["{}", "file://{}", "{}/.git", "{}/"])
def test_forms_of_a_local_address(form, repository, cache):
    commit = repository.commit(ONE)
    assert holds(fetched(form.format(repository.path), commit, cache), commit)


def test_a_relative_path_is_taken_from_the_working_folder(repository, cache, monkeypatch):
    commit = repository.commit(ONE)
    monkeypatch.chdir(repository.path.parent)
    assert holds(fetched("repository", commit, cache), commit)


def test_a_path_with_spaces_colons_and_percents(new_repository, cache):
    repository = new_repository("a b::c é%20")
    commit = repository.commit(ONE)
    assert holds(fetched(str(repository.path), commit, cache), commit)


def test_a_dumb_web_server_is_enough(repository, cache, http):
    first = repository.commit(ONE)
    repository.commit(TWO)
    repository.git("clone", "--quiet", "--bare", ".", str(http.folder / "r.git"))
    repository.git(f"--git-dir={http.folder / 'r.git'}", "update-server-info")
    place = fetched(f"{http.address}/r.git", first, cache)
    assert holds(place, first)
    asked = len(http.asked)
    assert fetched(f"{http.address}/r.git", first, cache) == place
    assert len(http.asked) == asked, "the second time needs no network"


def test_gits_own_server(repository, cache, tmp_path):
    commit = repository.commit(ONE)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["git", "daemon", "--export-all", f"--base-path={tmp_path}", "--listen=127.0.0.1",
         f"--port={port}", "--reuseaddr"], stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        assert holds(fetched(f"git://127.0.0.1:{port}/repository", commit, cache), commit)
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def test_the_cache_needs_no_repository_the_second_time(repository, cache):
    commit = repository.commit(ONE)
    place = fetched(str(repository.path), commit, cache)
    shutil.rmtree(repository.path)
    assert fetched(str(repository.path), commit, cache) == place
    shutil.rmtree(place / "objects")
    with pytest.raises(UserError, match="can't fetch"):
        fetched(str(repository.path), commit, cache)


def test_several_that_fetch_one_commit_at_once_do_not_collide(repository, cache):
    commit = repository.commit(ONE)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: fetched(str(repository.path), commit, cache), range(3)))
    assert len(set(found)) == 1


def hook(path, mark):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho ran >> '{mark}'\n")
    path.chmod(0o755)


HOOKS = (
    "post-checkout", "post-merge", "post-update", "pre-receive", "post-receive", "update",
    "reference-transaction", "post-index-change", "fsmonitor-watchman", "pre-auto-gc",
)  # fmt: skip


def test_no_hook_runs_and_no_setting_of_anybody_bends_it(
    repository, new_repository, cache, tmp_path, monkeypatch
):
    commit, mark, home = repository.commit(ONE), tmp_path / "mark", tmp_path / "home"
    for name in HOOKS:
        hook(repository.path / ".git" / "hooks" / name, mark)
        hook(home / "hooks" / name, mark)
        hook(home / "template" / "hooks" / name, mark)
    hook(home / "bin" / "helper", mark)
    helper = home / "bin" / "helper"
    repository.git("config", "uploadpack.packObjectsHook", str(helper))
    repository.git("config", "core.fsmonitor", str(helper))
    bad = "\n".join([
        f"[core]\nhooksPath = {home}/hooks\nfsmonitor = {helper}\nautocrlf = true",
        f"[init]\ntemplateDir = {home}/template\ndefaultObjectFormat = sha256",
        f"[uploadpack]\npackObjectsHook = {helper}",
        f"[url \"{new_repository('other').path}\"]\ninsteadOf = {repository.path}",
        "[transfer]\nhideRefs = refs", "[protocol]\nallow = never",
    ])  # fmt: skip
    (home / ".gitconfig").write_text(bad)
    (home / "git").mkdir()
    (home / "git" / "config").write_text(bad)
    for name, value in {
        "HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_SYSTEM": home / ".gitconfig",
        "GIT_CONFIG_GLOBAL": home / ".gitconfig", "GIT_DIR": home, "GIT_WORK_TREE": home,
        "GIT_TEMPLATE_DIR": home / "template", "GIT_OBJECT_DIRECTORY": home / "objects",
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": home / "hooks", "GIT_EXTERNAL_DIFF": helper, "GIT_TRACE": home / "t",
        "GIT_SSH": helper, "GIT_PROXY_COMMAND": helper, "GIT_ALLOW_PROTOCOL": "none",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    place = fetched(str(repository.path), commit, cache)
    assert git(place, "show", f"{commit}:a.py").stdout == b"1\n"
    assert not mark.exists(), "a hook or helper ran"
    assert not (home / "objects").exists()
    assert not (home / "t").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make another user's repository")
def test_a_repository_of_another_user_can_be_read(repository, cache):
    commit = repository.commit(ONE)
    for path in [repository.path, *repository.path.rglob("*")]:
        os.chown(path, 12345, 12345)
    for form in (repository.path, repository.path / ".git"):
        shutil.rmtree(cache, ignore_errors=True)
        assert holds(fetched(str(form), commit, cache), commit)


BAD_COMMITS = ["", "main", "HEAD", "abc1234", "A" * 40, "a" * 39, "a" * 41, "a" * 64, "-" * 40,
               "a" * 40 + "\n"]  # fmt: skip


@pytest.mark.parametrize("commit", BAD_COMMITS)
def test_a_commit_that_is_not_named_in_full_is_refused(commit, cache):
    with pytest.raises(UserError) as caught:
        fetched("https://example.org/r", commit, cache)
    details = caught.value.details
    assert details["given"] == commit
    assert "40 hex" in details["expected"]
    assert "rev-parse" in details["hint"]
    assert not cache.exists()


BAD_ADDRESSES = [
    "ext::sh -c 'touch /tmp/x'", "fd::17", "--upload-pack=touch x", "-x", "ftp://example.org/r",
    "javascript://x", "HTTPX://[x", "transport::[x",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_ADDRESSES)
def test_an_address_of_another_kind_is_refused(url, cache):
    with pytest.raises(UserError, match="not fetched") as caught:
        fetched(url, "a" * 40, cache)
    assert caught.value.details["where"] == "source.git.url"
    assert "https" in caught.value.details["expected"]


def test_an_unknown_commit_is_refused(repository, cache):
    repository.commit(ONE)
    with pytest.raises(UserError, match="does not have the commit") as caught:
        fetched(str(repository.path), "a" * 40, cache)
    assert caught.value.details["given"] == "a" * 40
    assert not list((cache / "git").glob("*.git"))


@pytest.mark.parametrize(
    "url",
    ["/nowhere/r", "file:///nowhere/r", "http://127.0.0.1:9/r", "http://[::1]:9/r", "https://[x/r",
     "git://127.0.0.1:9/r"],
)  # fmt: skip
def test_an_unreachable_repository_is_refused(url, cache):
    with pytest.raises(UserError, match="can't fetch") as caught:
        fetched(url, "a" * 40, cache)
    assert all(caught.value.details[name] for name in ("where", "given", "hint"))
    assert not list((cache / "git").glob("*.git"))


def test_a_password_is_neither_asked_for_nor_shown(cache, http):
    http.denied = "r.git"
    with pytest.raises(UserError, match="can't fetch") as caught:
        fetched(http.address.replace("//", "//me:secret@") + "/r.git", "a" * 40, cache)
    assert "secret" not in str(caught.value)
    assert f"{http.address}/r.git" in str(caught.value.details["where"])
