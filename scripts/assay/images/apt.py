"""Debian packages by the machine's own apt: its mirrors and proxies, a private state.

Works for an ordinary user and touches nothing of the system. Signatures are apt's business.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.core.errors import UserError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
HELPER = "/usr/lib/apt/apt-helper"
INDEX = re.compile(r"^'(\S+?)/*/dists/\S+/InRelease'", re.MULTILINE)
INSTALL = re.compile(r"^Inst (\S+) \((\S+) ", re.MULTILINE)
ARCHIVES = "ASSAY_PACKAGE_ARCHIVES"
TAIL = 1500
# Hooks of the system's configuration are cleared: they are for the system's own state.
CONFIGURATION = """\
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
"""


@dataclass(frozen=True)
class Package:
    """One version of a Debian package: where the archive's pool has it, and its digest."""

    name: str
    version: str
    path: str
    sha256: str


class Apt:
    """A private apt over one suite's main archive. Make it with `open_suite`."""

    def __init__(self, folder: Path, mirror: str, suite: str) -> None:
        self.folder = folder
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").write_text("", encoding="utf-8")
        signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        source = f"deb {signed}{mirror} {suite} main\n"
        (folder / "sources.list").write_text(source, encoding="utf-8")
        text = CONFIGURATION.format(folder=folder)
        (folder / "apt.conf").write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run an apt program with the private configuration."""
        program, *rest = arguments
        return _run([program, "-c", str(self.folder / "apt.conf"), *rest])

    def closure(self, names: Sequence[str], left_out: Iterable[str] = ()) -> list[Package]:
        """Return the packages and all that they depend on (no recommends), sorted by name."""
        done = self.run("apt-get", "--simulate", "--quiet", "install", *names)
        if done.returncode:
            raise UserError("apt can't resolve the packages", given=done.stderr[-TAIL:])
        found = dict(INSTALL.findall(done.stdout))
        unwanted = set(left_out)
        wanted = [f"{name}={found[name]}" for name in sorted(found) if name not in unwanted]
        return self.describe(wanted)

    def describe(self, wanted: Sequence[str]) -> list[Package]:
        """Return name, version, pool path and digest of packages given as `name=version`."""
        shown = self.run("apt-cache", "show", "--no-all-versions", *wanted)
        packages = []
        for stanza in shown.stdout.strip().split("\n\n"):
            fields = dict(
                line.split(": ", 1) for line in stanza.splitlines() if re.match(r"[A-Z]\S*: ", line)
            )
            names = ("Package", "Version", "Filename", "SHA256")
            packages.append(Package(*(fields[name] for name in names)))
        return sorted(packages, key=lambda package: package.name)

    def download(self, wanted: Sequence[str], into: Path) -> None:
        """Fetch packages, given as names or `name=version`, checked against the signed index."""
        done = _run(
            ["apt-get", "-c", str(self.folder / "apt.conf"), "--quiet", "download", *wanted],
            cwd=into,
        )
        if done.returncode:
            raise UserError(
                "apt can't fetch the packages", given=done.stderr[-TAIL:], hint="check the network"
            )


def open_suite(folder: Path, suite: str) -> Apt:
    """Return an apt over the suite, with its lists fetched (or kept, where there is no network).

    Raises UserError if no mirror of the machine's apt configuration has the suite.
    """
    answers = []
    for mirror in mirrors():
        apt = Apt(folder, mirror, suite)
        done = apt.run("apt-get", "--quiet", "--error-on=any", "update")
        if done.returncode == 0:
            return apt
        answers.append(done.stderr[-TAIL:])
    raise UserError(
        f"no configured Debian mirror offers the suite {suite}",
        where="the machine's apt configuration", given="\n".join(answers) or "no sources",
        hint="check the network and the apt sources of this machine",
    )  # fmt: skip


def mirrors() -> list[str]:
    """Return the archives of the machine's apt configuration, the likeliest first.

    Raises UserError on a machine without apt.
    """
    printed = _run(["apt-get", "update", "--print-uris"]).stdout
    found = list(dict.fromkeys(INDEX.findall(printed)))
    return sorted(found, key=lambda mirror: not mirror.endswith("/debian"))


def archives() -> list[str]:
    """Return the archives of old packages that ASSAY_PACKAGE_ARCHIVES names, as addresses.

    They are separated by blanks, each an address or a folder with the pool of a Debian archive: a
    snapshot of a day, a mirror that was kept.
    """
    named = [one.removeprefix("file://") for one in os.environ.get(ARCHIVES, "").split()]
    # By `file:` apt would only link to what is there.
    return [one if "://" in one else f"copy:{Path(one).absolute()}" for one in named]


def download(mirror: str, wanted: Sequence[tuple[str, Path, str]]) -> str:
    """Fetch (pool path, file, sha256) triples; return apt's complaints, empty on success."""
    arguments = []
    for path, file, sha256 in wanted:
        arguments += [f"{mirror.rstrip('/')}/{path}", str(file), f"SHA256:{sha256}"]
    options = ["-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=3"]
    done = _run([HELPER, *options, "download-file", *arguments])
    return done.stderr[-TAIL:] if done.returncode else ""


def _run(command: Sequence[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, check=False, text=True, capture_output=True, stdin=subprocess.DEVNULL, cwd=cwd
        )
    except FileNotFoundError as error:
        raise UserError(
            "this machine has no apt", where=command[0],
            hint="install Apptainer (1.4 or newer) and copy the folder `images` of the cache of a "
            "Debian machine to this one's",
        ) from error  # fmt: skip
