"""A fake of an image registry (OCI distribution API) that misbehaves on command, and its images."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import re
import tarfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
TOKEN = "sesame"
_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/]+)")


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def entry(name: str, content: bytes | str = b"", kind: bytes = tarfile.REGTYPE, mode: int = 0o644):
    """An entry of a layer: of a link `content` is the target."""
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.mtime = kind, mode, 1_700_000_000
    data = b""
    if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        made.linkname = str(content)
    else:
        data = content.encode() if isinstance(content, str) else content
        made.size = len(data)
    return made, data


def folder(name: str, mode: int = 0o755):
    return entry(name, kind=tarfile.DIRTYPE, mode=mode)


def below(root: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """The entries of a folder's content."""
    for path in sorted(root.rglob("*")):
        name, mode = path.relative_to(root).as_posix(), path.lstat().st_mode & 0o777
        if path.is_symlink():
            yield entry(name, str(path.readlink()), tarfile.SYMTYPE)
        elif path.is_dir():
            yield folder(name, mode)
        else:
            yield entry(name, path.read_bytes(), mode=mode)


def layer(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for made, data in entries:
            archive.addfile(made, io.BytesIO(data))
    return gzip.compress(stream.getvalue(), compresslevel=1, mtime=0)


class FakeRegistry:
    """What is served: `blobs` by digest, `manifests` by (name, tag or digest).

    locked: it wants a bearer token, which it tells where to get
    refuses: it gives no token
    status: each manifest is answered by this status
    breaks_at: a blob's answer breaks off after so many bytes, once
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.seen: list[tuple[str, str | None]] = []
        self.locked, self.refuses, self.status = False, False, 0
        self.breaks_at: int | None = None
        self.port = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add_blob(self, data: bytes) -> str:
        self.blobs[digest_of(data)] = data
        return digest_of(data)

    def add_manifest(self, name: str, tag: str, content: dict, kind: str = MANIFEST) -> str:
        data = json.dumps(content).encode()
        digest = digest_of(data)
        for reference in (tag, digest):
            self.manifests[name, reference] = (kind, data)
        return digest

    def add_image(self, name: str, tag: str, layers: list[bytes], *, indexed: bool = True) -> str:
        """Serve an image under a tag, by default in an index; return its manifest's digest."""
        plain = [gzip.decompress(data) for data in layers]
        config = json.dumps({
            "architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z",
            "config": {"Env": ["PATH=/usr/bin", "COLOUR=red"], "Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(data) for data in plain]},
        }).encode()  # fmt: skip
        manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST, "config": self._described(CONFIG, config),
            "layers": [self._described(LAYER, data) for data in layers],
        }  # fmt: skip
        digest = self.add_manifest(name, "only" if indexed else tag, manifest)
        if indexed:
            self.add_index(name, tag, {"amd64": digest, "arm64": f"sha256:{'1' * 64}"})
        return digest

    def add_index(self, name: str, tag: str, digests: dict[str, str]) -> str:
        listed = [
            {"mediaType": MANIFEST, "digest": digest, "size": 1,
             "platform": {"architecture": machine, "os": "linux"}}
            for machine, digest in digests.items()
        ]  # fmt: skip
        return self.add_manifest(
            name, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}, INDEX
        )

    def _described(self, kind: str, data: bytes) -> dict:
        return {"mediaType": kind, "digest": self.add_blob(data), "size": len(data)}

    @contextmanager
    def serve(self) -> Iterator[FakeRegistry]:
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
            server.registry = self
            self.port = server.server_port
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield self
            server.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self) -> None:
        registry = self.server.registry
        path = urlsplit(self.path).path
        registry.seen.append((self.path, self.headers.get("Range")))
        if path == "/token":
            self._send(*((401, b"{}") if registry.refuses else
                         (200, json.dumps({"token": TOKEN}).encode())))  # fmt: skip
        elif registry.locked and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            told = f'Bearer realm="http://{registry.host}/token",service="fake",scope="pull"'
            self._send(401, b"{}", {"WWW-Authenticate": told})
        elif path == "/v2/":
            self._send(200, b"{}")
        else:
            self._named(_PATH.fullmatch(path))

    def _named(self, found: re.Match[str] | None) -> None:
        registry = self.server.registry
        if found and found["kind"] == "manifests":
            kind, data = registry.manifests.get((found["name"], found["reference"]), ("", b""))
            status = registry.status or (200 if data else 404)
            self._send(status, data, {"Content-Type": kind or "application/json"})
        elif found and found["reference"] in registry.blobs:
            self._blob(registry.blobs[found["reference"]])
        else:
            self._send(404, b"{}")

    def _blob(self, data: bytes) -> None:
        registry, asked = self.server.registry, self.headers.get("Range")
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        breaks_at, registry.breaks_at = registry.breaks_at, None
        headers = {"Content-Type": "application/octet-stream"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(206 if start else 200, data[start:], headers, breaks_at)

    def _send(self, status, data, headers=None, breaks_at=None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(ConnectionError):  # who has enough goes away
                self.wfile.write(data if breaks_at is None else data[:breaks_at])
        if breaks_at is not None:
            self.close_connection = True
