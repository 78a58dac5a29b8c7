"""The seccomp filter of the sandbox, assembled as a classic BPF program.

Default allow, with a deny list of what untrusted code has no use for and kernels have been
broken through. It is assembled here and not by libseccomp: the images have neither `ldconfig`'s
cache nor a compiler, by which its Python binding looks for the library. Numbers are from Linux'
`asm/unistd_64.h` (x86_64) and `asm-generic/unistd.h` (aarch64); formats from `linux/seccomp.h`,
`linux/filter.h` and `linux/audit.h`.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
LOAD, EQUAL, GREATER_EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCH_AT, ARGUMENT_AT = 0, 4, 16  # offsets in struct seccomp_data
X32_BIT = 0x40000000
AF_UNIX = 1
# CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET
NEW_NAMESPACES = 0x00020000 | 0x7E000000

# name: (x86_64, aarch64); None where the architecture lacks the call
DENIED: dict[str, tuple[int | None, int]] = {
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_getfd": (438, 438),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "personality": (135, 92), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "syslog": (103, 116),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
    "clock_adjtime": (305, 266), "lookup_dcookie": (212, 18), "fanotify_init": (300, 262),
    "vhangup": (153, 58), "iopl": (172, 0xFFFF), "ioperm": (173, 0xFFFF),
    "modify_ldt": (154, 0xFFFF), "uselib": (134, 0xFFFF), "nfsservctl": (180, 42),
    "mbind": (237, 235), "set_mempolicy": (238, 237), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "sethostname": (170, 161), "setdomainname": (171, 162),
}  # fmt: skip
# Answered as «not implemented», so that libraries fall back to what is filtered or bounded here.
# Memory behind descriptors and System V objects belongs to no process: no limit would count it.
UNKNOWN: dict[str, tuple[int, int]] = {
    "clone3": (435, 435), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
}  # fmt: skip


@dataclass(frozen=True)
class Architecture:
    """What the filter has to know of a machine: its audit number, column and some calls."""

    audit: int
    column: int
    clone: int
    socket: int
    prlimit: int


ARCHITECTURES = {
    "x86_64": Architecture(0xC000003E, 0, 56, 41, 302),
    "aarch64": Architecture(0xC00000B7, 1, 220, 198, 261),
}


def supported(machine: str | None = None) -> bool:
    """Tell whether a filter is known for this machine's architecture."""
    return (machine or platform.machine()) in ARCHITECTURES


def program(machine: str | None = None) -> bytes:
    """Return the filter as the bytes of a `struct sock_filter` array, for `bwrap --seccomp`.

    Raises KeyError for an architecture that `supported` denies.
    """
    arch = ARCHITECTURES[machine or platform.machine()]
    code = [_step(LOAD, ARCH_AT), _step(EQUAL, arch.audit, 1, 0), _step(RETURN, KILL)]
    code.append(_step(LOAD, NUMBER_AT))
    if arch.column == 0:
        code += _refuse(X32_BIT, errno.ENOSYS, GREATER_EQUAL)
    for _, numbers in sorted(DENIED.items()):
        code += _refuse(numbers[arch.column] or 0xFFFF, errno.EPERM)
    for _, known in sorted(UNKNOWN.items()):
        code += _refuse(known[arch.column], errno.ENOSYS)
    code += _argument(arch.clone, _step(ANY_BIT, NEW_NAMESPACES, 0, 1), errno.EPERM)
    code += _argument(arch.socket, _step(EQUAL, AF_UNIX, 1, 0), errno.EAFNOSUPPORT)
    # Its own limits only: lowering the supervisor's would be blamed on the next job.
    code += _argument(arch.prlimit, _step(EQUAL, 0, 1, 0), errno.EPERM)
    return b"".join([*code, _step(RETURN, ALLOW)])


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def _refuse(number: int, error: int, test: int = EQUAL) -> list[bytes]:
    return [_step(test, number, 0, 1), _step(RETURN, ERRNO | error)]


def _argument(number: int, test: bytes, error: int) -> list[bytes]:
    """Refuse a call by its first argument: `test` falls through to refuse, skips one to allow."""
    return [
        _step(EQUAL, number, 0, 4), _step(LOAD, ARGUMENT_AT), test,
        _step(RETURN, ERRNO | error), _step(RETURN, ALLOW),
    ]  # fmt: skip
