"""What answers could leave behind: processes, files, shared memory, the network.

Looks before and after, and tells the difference. On a machine that others use too, a folder of
one's own is what makes a difference one's own: `private_scratch` gives this process (and all that
it starts) scratch folders, shared memory and message queues that nobody else sees.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import selectors
import socket
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

KINDS = ("processes", "files", "shared memory", "network")
Effects = dict[str, list[str]]
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS, CLONE_NEWIPC = 0x00020000, 0x08000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
SCRATCH = tuple(Path(name) for name in ("/tmp", "/var/tmp", "/dev/shm"))
DEVICES = ("null", "zero", "full", "random", "urandom")
IPC = ("sysvipc/shm", "sysvipc/msg", "sysvipc/sem")
PORTS = (11434, 8080, 8000)  # of Ollama, llama.cpp's server, vLLM
QUEUES = Path("/dev/mqueue"), Path("/var/tmp/mqueue")  # the second is mounted by private_scratch
CANARY = "assay-canary"


@contextlib.contextmanager
def adopt_orphans() -> Iterator[None]:
    """Become the parent of what is orphaned below, so that no daemon gets out of sight."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def look_at(
    folders: Sequence[Path] = (), names: Sequence[Path] = (), without: Sequence[Path] = ()
) -> Effects:
    """Return what is there now, by kind.

    folders: looked at in depth, with sizes, modes and times
    names:   looked at for the names and times right below them
    without: folders that are left out of those
    Shared memory that is no private one counts where its name speaks of Assay: others may use it.
    """
    private = Path("/dev/shm") in folders
    return {
        "processes": [*_processes(), f"{len(os.listdir('/proc/self/fd'))} descriptors"],
        "files": [*_modes(), *(line for folder in folders for line in _deep(folder, without)),
                  *(line for folder in names for line in _flat(folder))],
        "shared memory": [*_tables(), *_queues(),
                          *(name for name in _listed(Path("/dev/shm"))
                            if private or "assay" in name)],
        "network": [*_interfaces(), *_routes()],
    }  # fmt: skip


def difference(before: Effects, after: Effects) -> Effects:
    """Return what came (+) and what went (-), by kind; an empty list where nothing did."""
    return {
        kind: [f"+ {one}" for one in sorted(set(after[kind]) - set(before[kind]))]
        + [f"- {one}" for one in sorted(set(before[kind]) - set(after[kind]))]
        for kind in KINDS
    }


def private_scratch(kept: Sequence[Path]) -> bool:
    """Give this process scratch folders and shared memory of its own; False if it may not.

    kept: folders that stay visible, under their own paths
    """
    if LIBC.unshare(CLONE_NEWNS | CLONE_NEWIPC):
        return False
    covered = [one for one in kept if any(one.is_relative_to(folder) for folder in SCRATCH)]
    held = {one: os.open(one, os.O_PATH | os.O_DIRECTORY) for one in covered}
    _mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    for folder in SCRATCH:
        if folder.is_dir():
            _mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"mode=1777")
    QUEUES[1].mkdir()
    _mount(b"mqueue", os.fsencode(QUEUES[1]), b"mqueue", 0, None)
    for one, handle in held.items():
        one.mkdir(mode=0o755, parents=True, exist_ok=True)
        _mount(os.fsencode(f"/proc/self/fd/{handle}"), os.fsencode(one), None, MS_BIND, None)
        os.close(handle)
    return True


class Listener:
    """Listens where escaped code would call: on loopback, by an abstract name, by a path.

    `heard` says who called. Ports that are taken already are left to whoever has them.
    """

    def __init__(self, folder: Path) -> None:
        self.heard: list[str] = []
        self.selector, self.stop = selectors.DefaultSelector(), threading.Event()
        self.path = folder / f"{CANARY}.sock"
        for port in PORTS:
            self._listen(f"tcp port {port}", socket.AF_INET, ("127.0.0.1", port))
        self._listen("an abstract name", socket.AF_UNIX, f"\0{CANARY}-{os.getpid()}")
        self._listen("a socket's path", socket.AF_UNIX, str(self.path))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            udp.bind(("127.0.0.1", 53535))
        self.selector.register(udp, selectors.EVENT_READ, "udp port 53535")
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _listen(self, name: str, family: int, address: object) -> None:
        made = socket.socket(family)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(address)
        except OSError:
            made.close()
            return
        if address == str(self.path):
            self.path.chmod(0o777)
        made.listen()
        self.selector.register(made, selectors.EVENT_READ, name)

    def _serve(self) -> None:
        while not self.stop.is_set():
            for key, _ in self.selector.select(0.1):
                if key.fileobj.type == socket.SOCK_DGRAM:
                    key.fileobj.recv(1 << 16)
                else:
                    key.fileobj.accept()[0].close()
                self.heard.append(f"+ called: {key.data}")

    def close(self) -> list[str]:
        """Stop listening; return who called."""
        self.stop.set()
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
        self.path.unlink(missing_ok=True)
        return sorted(self.heard)


def _mount(source: bytes, place: bytes, kind: bytes | None, flags: int, data: bytes | None) -> None:
    if LIBC.mount(source, place, kind, flags, data):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fsdecode(place))


def _processes() -> list[str]:
    """Name the processes below this one; those that have ended are taken leave of."""
    found, waiting = [], [os.getpid()]
    while waiting:
        pid = waiting.pop()
        children: list[int] = []
        with contextlib.suppress(OSError):  # it, or a thread of it, may end meanwhile
            for task in Path("/proc", str(pid), "task").iterdir():
                children += map(int, (task / "children").read_text().split())
        for child in children:
            with contextlib.suppress(OSError):
                name, _, rest = Path("/proc", str(child), "stat").read_text().rpartition(")")
                if rest.split()[0] != "Z":
                    found.append(name.partition("(")[2])
                    waiting.append(child)
                elif pid == os.getpid():
                    os.waitpid(child, os.WNOHANG)
    return [f"{name} ({found.count(name)})" for name in sorted(set(found))]


def _modes() -> list[str]:
    nodes = [Path("/dev", name) for name in DEVICES]
    return [f"{node} {node.stat().st_mode:o}" for node in nodes if node.exists()]


def _deep(folder: Path, without: Sequence[Path]) -> list[str]:
    """Describe each file below a folder; of small ones the content, too."""
    lines = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if Path(place, one) not in without)
        for name in sorted(folders + names):
            path = Path(place, name)
            with contextlib.suppress(OSError):
                entry = path.lstat()
                plain = stat.S_ISREG(entry.st_mode) and entry.st_size < 1 << 20
                text = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if plain else ""
                size = "" if stat.S_ISDIR(entry.st_mode) else entry.st_size
                lines.append(f"{path} {entry.st_mode:o} {entry.st_uid} {size} {text}")
    return lines


def _flat(folder: Path) -> list[str]:
    lines = []
    for name in _listed(folder):
        with contextlib.suppress(OSError):
            entry = (folder / name).lstat()
            when = "" if stat.S_ISDIR(entry.st_mode) else entry.st_mtime_ns
            lines.append(f"{folder / name} {entry.st_mode:o} {entry.st_uid} {when}")
    return lines


def _listed(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def _tables() -> list[str]:
    places = [(name, Path("/proc", name)) for name in IPC]
    return [
        f"{name} {' '.join(line.split()[:2])}"
        for name, place in places if place.exists()
        for line in place.read_text().splitlines()[1:]
    ]  # fmt: skip


def _queues() -> list[str]:
    return [f"queue {name}" for place in QUEUES for name in _listed(place)]


def _interfaces() -> list[str]:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    return [f"interface {line.partition(':')[0].strip()}" for line in lines]  # no counters


def _routes() -> list[str]:
    place = Path("/proc/net/route")
    lines = place.read_text().splitlines()[1:] if place.exists() else []
    return [f"route {' '.join(line.split()[:3])}" for line in lines]
