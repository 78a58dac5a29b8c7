"""One commit of a git repository, fetched without hooks, prompts or the user's settings.

The commit's objects are kept in the cache in a bare repository named by the commit. Its tree is
read from the objects themselves, so attributes such as export-ignore and export-subst change
nothing, and the commit's and the tree's ids are computed again from what was read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from assay.core.airgap import require_network
from assay.core.errors import UserError
from assay.core.locks import exclusive
from assay.core.progress import say
from assay.sources.index import redacted
from assay.sources.store import local_path

COMMIT = re.compile(r"[0-9a-f]{40}")
_PROTOCOLS = ("file", "git", "http", "https", "ssh")
# An address that names a helper program, such as ext::, which would be run.
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_SCP = re.compile(r"[\w.-]+@[\w.-]+:(?!:).+")
# Of the caller's environment, only what a network or an SSH agent needs.
_KEPT = (
    "PATH", "LD_LIBRARY_PATH", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
    "CURL_CA_BUNDLE", "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY",
    "ALL_PROXY", "NO_PROXY",
)  # fmt: skip
_OPTIONS = (
    "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
    "-c", "credential.helper=", "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60",
    "-c", "core.fsmonitor=false", "-c", "submodule.recurse=false",
)  # fmt: skip


def fetched(url: str, commit: str, cache: Path, *, anew: bool = False) -> Path:
    """Return a bare repository that holds the commit, from the cache or freshly fetched.

    anew: fetch even if the cache has it, since what it has is damaged
    Raises UserError for an abbreviated commit, an address of another protocol, a commit that the
    repository lacks, or a failing network.
    """
    if not COMMIT.fullmatch(commit):
        raise UserError(
            "a git source is pinned by its full commit id", where=redacted(url), given=commit,
            expected="40 hexadecimal digits in lower case",
            hint="`git rev-parse <branch or tag>` in a clone prints it",
        )  # fmt: skip
    address = _address(url)
    place = cache / "git" / f"{commit}.git"
    if not anew and holds(place, commit):
        return place
    # Two targets of one commit would else put their repositories in each other's way.
    with (
        exclusive(place.with_suffix(".lock"), commit),
        tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetch-") as folder,
    ):
        if not anew and holds(place, commit):
            return place
        if not address.startswith("/"):
            require_network(f"commit {commit} of {redacted(address)}")
        fresh = Path(folder) / "fresh.git"
        _fetch(fresh, address, commit)
        shutil.rmtree(place, ignore_errors=True)
        fresh.rename(place)
    return place


def holds(repository: Path, commit: str) -> bool:
    """Tell whether the repository has the commit with everything that its tree names."""
    if not (repository / "objects").is_dir():
        return False
    checked = git(repository, "rev-list", "--objects", "--no-walk", "--quiet", commit)
    return checked.returncode == 0


def git(
    repository: Path, *arguments: str, stdin: bytes | None = None, trusted: Sequence[str] = ()
) -> subprocess.CompletedProcess[bytes]:
    """Run git on a bare repository in an environment of its own.

    trusted: folders of other users that git may read from
    Raises UserError if git is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="assay-git-") as home:
        configuration = Path(home) / "config"
        rows = "".join(f"\tdirectory = {_quoted(path)}\n" for path in trusted)
        configuration.write_text(f"[safe]\n{rows}", encoding="utf-8")
        return subprocess.run(
            [_program(), *_OPTIONS, f"--git-dir={repository}", *arguments],
            input=stdin or b"", capture_output=True, check=False,
            env=_environment(home, configuration), cwd=home,
        )  # fmt: skip


def _fetch(repository: Path, address: str, commit: str) -> None:
    label = redacted(address)
    say(f"fetching commit {commit} from {label}")
    made = git(repository, "init", "--quiet", "--bare", "--template=", str(repository))
    trusted = [address, f"{address}/.git"] if address.startswith("/") else []
    common = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
    one = git(repository, "fetch", *common, "--depth=1", "--", address, commit, trusted=trusted)
    if one.returncode == 0 and holds(repository, commit):
        return
    say("can't fetch that commit alone: fetching all branches and tags")
    full = git(
        repository, "fetch", *common, "--", address, "+refs/*:refs/origin/*", trusted=trusted
    )
    if made.returncode or full.returncode:
        raise UserError(
            "can't fetch from the git repository", where=label,
            given=redacted(_last_lines(full.stderr or made.stderr)),
            hint="check the address, the network and your rights to it (assay never asks for a "
            "password), then run again",
        )  # fmt: skip
    if not holds(repository, commit):
        raise UserError(
            "the git repository does not have the commit", where=label, given=commit,
            expected="a commit that one of its branches or tags leads to",
        )  # fmt: skip


def _address(url: str) -> str:
    scheme, mark, _ = url.partition("://")
    if url.startswith("-") or _HELPER.match(url) or (mark and scheme not in _PROTOCOLS):
        raise UserError(
            "git sources of this kind are not fetched", where="source.git.url",
            given=redacted(url), expected=" | ".join(_PROTOCOLS) + ", or a local path",
        )  # fmt: skip
    if _SCP.fullmatch(url) or (mark and scheme != "file"):
        return url
    # A local path is made absolute, since git runs in a folder of its own.
    return str(local_path(url).resolve())


def _program() -> str:
    found = shutil.which("git")
    if found is None:
        raise UserError(
            "git is not installed",
            hint="install git, or give the source as a package archive (source.archive)",
        )
    return found


def _environment(home: str, configuration: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "HOME": home, "XDG_CONFIG_HOME": home, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(configuration), "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false", "SSH_ASKPASS": "/bin/false", "GIT_ATTR_NOSYSTEM": "1",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes", "GIT_ALLOW_PROTOCOL": ":".join(_PROTOCOLS),
        "GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_LFS_SKIP_SMUDGE": "1",
    }  # fmt: skip


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _last_lines(output: bytes, count: int = 4) -> str:
    return " / ".join(output.decode("utf-8", "replace").strip().splitlines()[-count:])
