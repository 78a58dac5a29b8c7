"""A client of image registries: manifests and blobs. The OCI distribution API, read only.

https://github.com/opencontainers/distribution-spec; the token flow is Docker's
(https://distribution.github.io/distribution/spec/auth/token). Asks anonymously. Nothing is believed
that has not the digest that was asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from assay.core.airgap import require_network
from assay.core.errors import UserError
from assay.core.files import CHUNK
from assay.sources.index import redacted

NO_HTTPS = "APPTAINER_NOHTTPS"  # Apptainer's own switch, so that one is enough
INDEXES = ("application/vnd.oci.image.index.v1+json",
           "application/vnd.docker.distribution.manifest.list.v2+json")  # fmt: skip
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json",
             "application/vnd.docker.distribution.manifest.v2+json")  # fmt: skip
TRIES = 5
TIMEOUT_S = 60
MOST = 16 << 20  # bytes of a manifest or config; real ones have some kB
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def address_of(host: str) -> str:
    """Return a registry's address: by TLS, unless APPTAINER_NOHTTPS is set."""
    plain = os.environ.get(NO_HTTPS, "").lower() in ("1", "true", "yes")
    return f"{'http' if plain else 'https'}://{host}"


class Registry:
    """One registry, asked for manifests and blobs.

    what: the image or weights that it is asked for, named in messages
    """

    def __init__(self, address: str, what: str) -> None:
        self.address, self.what = address.rstrip("/"), what
        self.session = requests.Session()

    def manifest(self, name: str, reference: str) -> tuple[str, dict[str, Any]]:
        """Return the digest and the content of a manifest or index, by tag or digest."""
        with self._asked(f"{name}/manifests/{reference}", *INDEXES, *MANIFESTS) as reply:
            data = self._read(reply)
            told = reply.headers.get("Docker-Content-Digest", "")
        digest = _digest(data)
        wanted = reference if _DIGEST.fullmatch(reference) else told or digest
        if digest != wanted:
            raise self._other(f"the manifest {reference}", digest, wanted)
        return digest, self._parsed(data)

    def small(self, name: str, digest: str) -> dict[str, Any]:
        """Return the JSON of a small blob, such as an image's config."""
        data = b"".join(self.blob(name, digest, MOST))
        if _digest(data) != digest:
            raise self._other("the blob", _digest(data), digest)
        return self._parsed(data)

    def blob(self, name: str, digest: str, most: int) -> Iterator[bytes]:
        """Yield a blob's bytes, of which the caller checks the digest; at most `most` of them.

        A transfer that breaks off goes on where it was, a few times.
        """
        got = 0
        for left in reversed(range(TRIES)):
            begun = got
            try:
                for chunk in self._from(f"{name}/blobs/{digest}", got):
                    got += len(chunk)
                    if got > most:
                        raise self._other("the blob", f"more than {most} bytes", digest)
                    yield chunk
            except requests.RequestException as error:
                if got == begun or not left:
                    raise self._unreachable(error) from error
            else:
                return

    def _from(self, path: str, start: int) -> Iterator[bytes]:
        ranged = {"Range": f"bytes={start}-"} if start else {}
        with self._asked(path, "*/*", headers=ranged) as reply:
            skip = start if reply.status_code != requests.codes.partial_content else 0
            for chunk in reply.iter_content(CHUNK):
                kept = chunk[skip:]
                skip -= len(chunk) - len(kept)
                if kept:
                    yield kept

    def _asked(
        self, path: str, *accept: str, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        require_network(self.what)
        url = f"{self.address}/v2/{path}"
        asked = {"Accept": ", ".join(accept), "Accept-Encoding": "identity", **(headers or {})}
        reply = self._get(url, asked)
        if reply.status_code == requests.codes.unauthorized and self._log_in(reply):
            reply = self._get(url, asked)
        if not reply.ok:
            raise self._refused(reply)
        return reply

    def _get(self, url: str, headers: Mapping[str, str], **more: Any) -> requests.Response:
        try:
            return self.session.get(url, headers=headers, timeout=TIMEOUT_S, stream=True, **more)
        except requests.RequestException as error:
            raise self._unreachable(error) from error

    def _log_in(self, reply: requests.Response) -> bool:
        """Take an anonymous token from where the registry says; tell whether there is one."""
        scheme, _, rest = reply.headers.get("WWW-Authenticate", "").partition(" ")
        told = dict(_PARAMETER.findall(rest))
        if scheme.lower() != "bearer" or "realm" not in told:
            return False
        asked = {name: told[name] for name in ("service", "scope") if name in told}
        with self._get(told["realm"], {}, params=asked) as given:
            if not given.ok:
                return False
            answer = self._parsed(self._read(given))
        token = answer.get("token") or answer.get("access_token")
        self.session.headers["Authorization"] = f"Bearer {token}"
        return bool(token)

    def _read(self, reply: requests.Response) -> bytes:
        data = b""
        try:
            for chunk in reply.iter_content(CHUNK):
                data += chunk
                if len(data) > MOST:
                    raise self._other("an answer", f"more than {MOST} bytes", "a small JSON text")
        except requests.RequestException as error:
            raise self._unreachable(error) from error
        return data

    def _parsed(self, data: bytes) -> dict[str, Any]:
        try:
            found = json.loads(data)
        except ValueError as error:
            raise self._other("an answer", str(error), "JSON") from error
        if not isinstance(found, dict):
            raise self._other("an answer", type(found).__name__, "a JSON mapping")
        return found

    def _where(self) -> str:
        return f"{self.what} at {redacted(self.address)}"

    def _unreachable(self, error: Exception) -> UserError:
        return UserError(
            "can't reach the registry", where=self._where(), given=redacted(str(error)),
            hint="check the network and the registry's name, then run again; for a registry "
            f"without TLS set {NO_HTTPS}=1",
        )  # fmt: skip

    def _other(self, what: str, given: str, expected: str) -> UserError:
        return UserError(
            f"the registry gave other bytes than it should: {what}", where=self._where(),
            given=given, expected=expected, hint="nothing was kept; run again, or ask its keepers",
        )  # fmt: skip

    def _refused(self, reply: requests.Response) -> UserError:
        codes = requests.codes
        if reply.status_code in (codes.unauthorized, codes.forbidden):
            return UserError(
                "the registry refuses access", where=self._where(), given=_status(reply),
                hint="look at the name: some registries say this of what does not exist; what "
                "needs an account can't be taken",
            )  # fmt: skip
        if reply.status_code == codes.not_found:
            return UserError(
                "the registry does not have it", where=self._where(), given=_status(reply),
                expected="a name and a tag that exist there", hint="look at its list of tags",
            )  # fmt: skip
        return UserError("the registry failed", where=self._where(), given=_status(reply),
                         hint="wait and run again; 429 means: too often")  # fmt: skip


def _status(reply: requests.Response) -> str:
    return f"{reply.status_code} {reply.reason} for {redacted(reply.url)}"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
