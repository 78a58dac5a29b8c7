"""Archives from the Python package index that this machine's pip is configured for.

The simple API lists a project's files; the one asked for is fetched, and nothing of it is run.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from packaging.utils import canonicalize_name
from pypi_simple import (
    PYPI_SIMPLE_ENDPOINT,
    DistributionPackage,
    NoSuchProjectError,
    ProjectPage,
    PyPISimple,
    UnsupportedRepoVersionError,
)
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from assay.core.airgap import require_network
from assay.core.errors import UserError
from assay.core.files import CHUNK, sha256_file
from assay.core.progress import say
from assay.sources.store import local_chunks, local_path, wrong_digest

RETRIES = 4
TIMEOUT_S = 60.0


def pip_settings() -> dict[str, str]:
    """Return pip's own settings (index-url, extra-index-url, find-links, cert, no-index, …)."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    found: dict[str, str] = {}
    rows = dict(line.split("=", 1) for line in listing.splitlines() if "=" in line)
    # The environment wins over pip's files, and its install section over its global one.
    for section in ("global.", "install.", ":env:."):
        for key, text in rows.items():
            if key.startswith(section):
                found[key.removeprefix(section)] = str(ast.literal_eval(text))
    if not listing:
        names = {key.removeprefix("PIP_"): key for key in os.environ if key.startswith("PIP_")}
        found = {name.lower().replace("_", "-"): os.environ[key] for name, key in names.items()}
    return found


class Index:
    """The places that pip would look into, asked for one file of one project."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self.settings = pip_settings() if settings is None else settings
        # Where pip is not configured, the public index, whose address the library knows.
        first = self.settings.get("index-url", PYPI_SIMPLE_ENDPOINT)
        further = self.settings.get("extra-index-url", "").split()
        offline = self.settings.get("no-index", "0").lower() in ("1", "true", "yes", "on")
        self.indexes = [] if offline else [first, *further]

    def chunks(self, spec: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield the bytes of the file that a target's `source.archive` names.

        Raises UserError if no place lists it, if it is listed with another digest, or if the
        network fails.
        """
        local, refused = self._linked(spec)
        return local_chunks(local) if local else self._listed(spec, refused)

    def source_archive(self, package: str, version: str) -> tuple[str, str]:
        """Return file name and SHA-256 of the source archive of a version.

        Raises UserError if no index lists one with its digest, or if the network fails.
        """
        require_network(f"the source archive of {package} {version}")
        others: set[str] = set()
        for index in self.indexes:
            for item in self._page(index, package):
                digest = (item.digests or {}).get("sha256")
                if item.version == version and item.package_type == "sdist" and digest:
                    return item.filename, digest
                others |= {item.version} if item.version else set()
        raise UserError(
            "the package index lists no source archive of this version",
            where=", ".join(redacted(index) for index in self.indexes) or "pip's settings",
            given=f"{package}=={version}",
            expected=", ".join(sorted(others)[-8:]) or "a project that exists there",
        )  # fmt: skip

    def _linked(self, spec: Mapping[str, Any]) -> tuple[Path | None, UserError | None]:
        refused = None
        for place in self.settings.get("find-links", "").split():
            path: Path = local_path(place) / str(spec["file"])
            if "://" in place and not place.startswith("file:"):
                continue
            if path.is_file():
                found = sha256_file(path)
                if found == spec["sha256"]:
                    return path, None
                refused = wrong_digest(str(path), found, spec["sha256"])
        return None, refused

    def _listed(self, spec: Mapping[str, Any], refused: UserError | None) -> Iterator[bytes]:
        require_network(str(spec["file"]))
        others: set[str] = set()
        for index in self.indexes:
            for item in self._page(index, spec["package"]):
                listed = (item.digests or {}).get("sha256", spec["sha256"])
                if item.filename != spec["file"]:
                    others |= {item.filename} if item.version == spec["version"] else set()
                elif listed != spec["sha256"]:
                    refused = refused or wrong_digest(spec["file"], listed, spec["sha256"])
                else:
                    say(f"fetching {spec['file']} from the package index")
                    return self._download(item.url, index)
        raise refused or UserError(
            "the package index does not list the source archive",
            where=", ".join(redacted(index) for index in self.indexes) or "pip's settings",
            given=f"{spec['package']} {spec['version']}: {spec['file']}",
            expected=", ".join(sorted(others)) or "a project and version that exist there",
            hint="correct package, version and file of the target's source.archive, point pip at "
            "the right index, or give the file by source.archive.path",
        )  # fmt: skip

    def _page(self, index: str, project: str) -> list[DistributionPackage]:
        try:
            if index.startswith("file:"):
                return _local_page(index, project)
            with PyPISimple(index, session=self._session(index)) as client:
                return list(client.get_project_page(project, timeout=TIMEOUT_S).packages)
        except NoSuchProjectError:
            return []
        except (
            requests.RequestException,
            OSError,
            ValueError,
            UnsupportedRepoVersionError,
        ) as error:
            raise _unreachable(index, error) from error

    def _download(self, url: str, index: str) -> Iterator[bytes]:
        if url.startswith("file:"):
            yield from local_chunks(local_path(urlunsplit(urlsplit(url)._replace(fragment=""))))
            return
        same_host = urlsplit(url).hostname == urlsplit(index).hostname
        try:
            with (
                self._session(index if same_host else "") as session,
                session.get(
                    url, stream=True, timeout=TIMEOUT_S, headers={"Accept-Encoding": "identity"}
                ) as reply,
            ):
                reply.raise_for_status()
                yield from reply.iter_content(CHUNK)
        except requests.RequestException as error:
            raise _unreachable(url, error) from error

    def _session(self, index: str) -> requests.Session:
        session = requests.Session()
        adapter = HTTPAdapter(max_retries=Retry(RETRIES, backoff_factor=0.5))
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        if self.settings.get("cert"):
            session.verify = self.settings["cert"]
        address = urlsplit(index)
        if address.username:
            session.auth = (address.username, address.password or "")
        return session


def redacted(text: str) -> str:
    """Return an address, or a message that quotes some, without user names and passwords."""
    return re.sub(r"(?<=://)[^/?#\s]*@", "", text)


def _local_page(index: str, project: str) -> list[DistributionPackage]:
    page = local_path(index) / canonicalize_name(project) / "index.html"
    if not page.is_file():
        return []
    html = page.read_text(encoding="utf-8")
    return list(ProjectPage.from_html(project, html, base_url=page.as_uri()).packages)


def _unreachable(url: str, error: Exception) -> UserError:
    return UserError(
        "can't fetch from the package index", where=redacted(url), given=redacted(str(error)),
        hint="check the network and pip's settings (pip config list), then run again; in a closed "
        "network give the file by source.archive.path",
    )  # fmt: skip
