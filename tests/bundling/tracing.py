"""A program in an empty network, and every attempt of it and of all its children to get out.

The network is a fresh network namespace (`unshare --net`) with nothing but loopback. The witness is
`strace -f` over connect, sendto, sendmsg and sendmmsg: it follows every child into its own
namespaces (Apptainer's, bubblewrap's), where counters of the outer namespace would see nothing. An
io_uring would get past it, so making one counts as well; so does an address that can't be read.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import re
import socket
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

CALLS = ("connect", "sendto", "sendmsg", "sendmmsg")
RING = "io_uring_setup"
# What strace prints of an address; one that it can't read stays a bare pointer.
FAMILY = re.compile(r"sa_family=(\w+)")
ADDRESS = re.compile(r"inet_addr\(\"([^\"]+)\"\)|inet_pton\(AF_INET6, \"([^\"]+)\"")
CALL = re.compile(r"^\d+ +(\w+)\(")
UNREAD = re.compile(r"^\d+ +connect\(-?\d+, 0x[0-9a-f]+")
LOCAL_FAMILIES = ("AF_UNIX", "AF_NETLINK", "AF_UNSPEC", "AF_ALG")
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# A documentation address (RFC 5737, RFC 3849): nobody's.
NOWHERE, NOWHERE_6 = "192.0.2.1", "2001:db8::1"
# Three attempts that must be seen, the last one from a child in a network namespace of its own.
CONTROL = f"""
import socket, subprocess, sys
def attempt(family, kind, call):
    with socket.socket(family, kind) as one:
        try:
            call(one)
        except OSError as error:
            print(f"control: {{error}}", file=sys.stderr)
attempt(socket.AF_INET, socket.SOCK_STREAM, lambda one: one.connect(("{NOWHERE}", 80)))
attempt(socket.AF_INET6, socket.SOCK_DGRAM, lambda one: one.sendto(b"x", ("{NOWHERE_6}", 53)))
with socket.socket() as here:
    here.bind(("127.0.0.1", 0))
    here.listen()
    socket.create_connection(here.getsockname()).close()
if len(sys.argv) == 1:
    subprocess.run(["unshare", "--user", "--net", sys.executable, "-c", sys.orig_argv[2], "child"])
"""


def command(program: list[str], trace: Path) -> list[str]:
    """Return the command that runs a program in an empty network, traced into a file."""
    strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={','.join([*CALLS, RING])}",
              "-e", "signal=none", "-o", str(trace)]  # fmt: skip
    entered = [sys.executable, str(Path(__file__).resolve()), *strace, *program]
    return [*_unshare(), *entered]


def _unshare() -> list[str]:
    """As root without a user namespace where that is allowed, since root's rights end at one."""
    plain = ["unshare", "--net"]
    if os.getuid() == 0 and subprocess.run([*plain, "true"], capture_output=True).returncode == 0:
        return plain
    return ["unshare", "--net", "--map-root-user"]


def enter(program: list[str]) -> None:
    """Bring loopback up, make sure that there is nothing else, and become the program."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        flags = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        up = struct.unpack("16sH14x", flags)[1] | IFF_UP
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", up))
    rows = Path("/proc/net/dev").read_text().splitlines()[2:]
    found = [row.split(":")[0].strip() for row in rows]
    if found != ["lo"]:
        sys.exit(f"airgap: the network is not empty: {found}")
    print("airgap: interfaces in the trial: lo", file=sys.stderr, flush=True)
    os.execvp(program[0], program)


def beyond(line: str) -> str:
    """Return what a line of the trace shows that could leave the machine; empty if nothing does."""
    call = CALL.match(line)
    if not call:
        return ""
    if call[1] == RING:
        return "an io_uring, which can't be traced"
    if UNREAD.match(line):
        return "an address that can't be read"
    families = [name for name in FAMILY.findall(line) if name not in LOCAL_FAMILIES]
    found = [ipaddress.ip_address(four or six) for four, six in ADDRESS.findall(line)]
    outside = [one for one in found if not (getattr(one, "ipv4_mapped", None) or one).is_loopback]
    if outside:
        return f"{call[1]} {outside[0]}"
    return f"{call[1]} {families[0]}" if len(families) > len(found) else ""


def judge(trace: Path) -> tuple[Counter[str], Counter[str]]:
    """Return how often each call and family was seen, and each attempt to leave."""
    seen: Counter[str] = Counter()
    left: Counter[str] = Counter()
    with trace.open(errors="replace") as lines:
        for line in lines:
            call = CALL.match(line)
            if call:
                family = FAMILY.search(line)
                seen[f"{call[1]} {family[1] if family else 'without an address'}"] += 1
            if said := beyond(line):
                left[said] += 1
    return seen, left


if __name__ == "__main__":
    enter(sys.argv[1:])
