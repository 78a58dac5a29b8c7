"""The filter: what it answers to each call, worked out here, and what a program gets inside."""

from __future__ import annotations

import errno
import functools
import operator
import struct

import pytest

from assay.sandbox import seccomp

ALLOWED, KILLED = seccomp.ALLOW, seccomp.KILL
AUDIT_I386 = 0x40000003
CLONE_NEWUSER, CLONE_THREAD = 0x10000000, 0x00010000
AF_INET, AF_NETLINK, AF_PACKET, AF_VSOCK = 2, 16, 17, 40


def refused(error: int) -> int:
    return seccomp.ERRNO | error


TESTS = {
    seccomp.EQUAL: operator.eq, seccomp.GREATER_EQUAL: operator.ge, seccomp.ANY_BIT: operator.and_,
}  # fmt: skip


@functools.cache
def steps_of(machine: str) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("=HBBI", seccomp.program(machine)))


def answer(machine: str, number: int, argument: int = 0, audit: int | None = None) -> int:
    """Run the filter as the kernel does (linux/filter.h), over one struct seccomp_data."""
    audit = seccomp.ARCHITECTURES[machine].audit if audit is None else audit
    data = struct.pack("=IIQQ", number, audit, 0, argument) + bytes(40)
    steps = steps_of(machine)
    at = accumulator = 0
    while True:
        code, then, otherwise, value = steps[at]
        at += 1
        if code == seccomp.RETURN:
            return value
        if code == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
            continue
        holds = TESTS[code](accumulator, value)
        at += then if holds else otherwise


@pytest.mark.parametrize("machine", sorted(seccomp.ARCHITECTURES))
def test_every_denied_call_is_refused_and_others_are_not(machine):
    column = seccomp.ARCHITECTURES[machine].column
    for name, numbers in seccomp.DENIED.items():
        if numbers[column] not in (None, 0xFFFF):
            assert answer(machine, numbers[column]) == refused(errno.EPERM), name
    for name, numbers in seccomp.UNKNOWN.items():
        assert answer(machine, numbers[column]) == refused(errno.ENOSYS), name
    denied = {numbers[column] for numbers in [*seccomp.DENIED.values(), *seccomp.UNKNOWN.values()]}
    known = seccomp.ARCHITECTURES[machine]
    special = {known.clone, known.socket, known.prlimit}
    for number in set(range(500)) - denied - special:
        assert answer(machine, number) == ALLOWED, number


@pytest.mark.parametrize("machine", sorted(seccomp.ARCHITECTURES))
def test_sockets_are_unix_only_and_clones_make_no_namespace(machine):
    known = seccomp.ARCHITECTURES[machine]
    assert answer(machine, known.socket, seccomp.AF_UNIX) == ALLOWED
    for family in (AF_INET, AF_NETLINK, AF_PACKET, AF_VSOCK):
        assert answer(machine, known.socket, family) == refused(errno.EAFNOSUPPORT)
    assert answer(machine, known.prlimit, 0) == ALLOWED
    assert answer(machine, known.prlimit, 2) == refused(errno.EPERM)
    assert answer(machine, known.clone, CLONE_THREAD) == ALLOWED
    assert answer(machine, known.clone, CLONE_NEWUSER | CLONE_THREAD) == refused(errno.EPERM)


@pytest.mark.parametrize("machine", sorted(seccomp.ARCHITECTURES))
def test_another_abi_ends_the_process(machine):
    assert answer(machine, 20, audit=AUDIT_I386) == KILLED


def test_the_x32_form_of_a_call_is_no_way_around():
    assert answer("x86_64", seccomp.X32_BIT | 41, AF_INET) == refused(errno.ENOSYS)
    assert answer("x86_64", 0xFFFFFFFF) == refused(errno.ENOSYS)


def test_an_unknown_architecture_is_not_supported():
    assert not seccomp.supported("riscv64")
    with pytest.raises(KeyError):
        seccomp.program("riscv64")


# Numbers of x86_64; arguments are harmless if the call were let through.
RAW = {
    "unshare": (272, CLONE_NEWUSER), "mount": (165, 0, 0, 0, 0, 0), "ptrace": (101, 0, 0, 0, 0),
    "bpf": (321, 0, 0, 0), "io_uring_setup": (425, 1, 0), "keyctl": (250, 0, -3, 0),
    "add_key": (248, 0, 0, 0, 0, -3), "setns": (308, 0, 0), "chroot": (161, 0),
    "userfaultfd": (323, 0), "perf_event_open": (298, 0, 0, -1, -1, 0),
    "kcmp": (312, 1, 1, 0, 0, 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0), "open_by_handle_at": (304, 0, 0, 0),
    "personality": (135, 0xFFFFFFFF),
    "clone with a namespace": (56, CLONE_NEWUSER | 17, 0, 0, 0, 0),
}  # fmt: skip
UNKNOWN_RAW = {
    "clone3": (435, 0, 0), "memfd_create": (319, b"x", 0), "shmget": (29, 0, 4096, 0o1600),
    "msgget": (68, 0, 0o1600), "semget": (64, 0, 1, 0o1600),
    "x32 socket": (seccomp.X32_BIT | 41, AF_INET, 1, 0),
}  # fmt: skip
INT_80 = """
import mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("b814000000" "cd80" "c3"))  # mov eax, 20 (getpid of i386); int 0x80; ret
place = ctypes.addressof(ctypes.c_char.from_buffer(code))
say(ctypes.CFUNCTYPE(ctypes.c_int)(place)())
"""


@pytest.mark.slow
def test_raw_calls_are_refused_inside(inside):
    got = inside.said(f"say({{name: syscall(*call) for name, call in {RAW!r}.items()}})")
    assert got == dict.fromkeys(RAW, "EPERM")
    got = inside.said(f"say({{name: syscall(*call) for name, call in {UNKNOWN_RAW!r}.items()}})")
    assert got == dict.fromkeys(UNKNOWN_RAW, "ENOSYS")


@pytest.mark.slow
def test_the_32_bit_entry_kills_the_program_inside(inside):
    outcome = inside.run(INT_80)
    assert outcome.kind == "crashed"
    # SIGSYS by the filter; SIGSEGV where the kernel has no 32-bit entry at all.
    assert outcome.exit_code in (128 + 31, 128 + 11)
    assert outcome.streams["channel"] == b""


@pytest.mark.slow
def test_threads_and_forks_still_work_inside(inside):
    got = inside.said("""
import subprocess, threading
seen = []
thread = threading.Thread(target=seen.append, args=(1,)); thread.start(); thread.join()
say([seen, subprocess.run(["/bin/true"]).returncode])
""")
    assert got == [[1], 0]
