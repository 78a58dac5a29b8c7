"""What counts as an attempt to leave the machine, by lines as strace prints them."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from . import tracing

V4 = '{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("%s")}'
V6 = ("{sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), "
      'inet_pton(AF_INET6, "%s", &sin6_addr), sin6_scope_id=0}')  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        f"12 connect(3, {V4 % '127.0.0.1'}, 16) = 0",
        f"12 connect(3, {V4 % '127.9.9.9'}, 16) = 0",
        f"12 connect(3, {V6 % '::1'}, 28) = 0",
        f"12 connect(3, {V6 % '::ffff:127.0.0.1'}, 28) = 0",
        '12 connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT',
        "12 sendto(4, [{nlmsg_len=20}, 0], 20, 0, {sa_family=AF_NETLINK, nl_pid=0}, 12) = 20",
        '12 connect(3, {sa_family=AF_UNSPEC, sa_data=""}, 16) = 0',
        '12 sendto(4, "x", 1, MSG_NOSIGNAL, NULL, 0) = 1',
        "12 sendmsg(7, {msg_name=NULL, msg_namelen=0, msg_iov=[]}, 0) = 1",
        "12 <... connect resumed>) = -1 ENETUNREACH (Network is unreachable)",
        "12 +++ exited with 0 +++",
    ],
)
def test_what_stays_on_the_machine_does_not_count(line):
    assert tracing.beyond(line) == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"12 connect(3, {V4 % '192.0.2.1'}, 16 <unfinished ...>", "connect 192.0.2.1"),
        (f"12 connect(3, {V4 % '0.0.0.0'}, 16) = 0", "connect 0.0.0.0"),
        (f"12 connect(3, {V6 % '2001:db8::1'}, 28) = -1 ENETUNREACH", "connect 2001:db8::1"),
        (f"12 connect(3, {V6 % '::ffff:192.0.2.1'}, 28) = 0", "connect ::ffff:c000:201"),
        (f'12 sendto(3, "x", 1, 0, {V4 % "192.0.2.1"}, 16) = 1', "sendto 192.0.2.1"),
        (f"12 sendmsg(3, {{msg_name={V4 % '192.0.2.1'}}}, 0) = 1", "sendmsg 192.0.2.1"),
        (f"12 sendmmsg(3, [{{{V4 % '127.0.0.1'}}}, {{{V4 % '192.0.2.1'}}}], 2, 0) = 2",
         "sendmmsg 192.0.2.1"),
        ("12 connect(3, {sa_family=AF_VSOCK, svm_cid=0x2}, 16) = 0", "connect AF_VSOCK"),
        ('12 sendto(3, "x", 1, 0, {sa_family=AF_PACKET, sll_protocol=0}, 20) = 1',
         "sendto AF_PACKET"),
        ("12 connect(3, 0x7ffd12, 16) = -1 EFAULT", "an address that can't be read"),
        ("12 io_uring_setup(8, {flags=0}) = 3", "an io_uring, which can't be traced"),
    ],
)  # fmt: skip
def test_what_could_leave_counts(line, said):
    assert tracing.beyond(line) == said


def test_a_trace_is_counted(tmp_path):
    trace = tmp_path / "trace"
    rows = [
        f"1 connect(3, {V4 % '192.0.2.1'}, 16) = 0",
        f"2 connect(3, {V4 % '127.0.0.1'}, 16) = 0",
    ]
    trace.write_text("\n".join(rows))
    seen, left = tracing.judge(trace)
    assert seen == {"connect AF_INET": 2}
    assert left == {"connect 192.0.2.1": 1}


@pytest.mark.slow
def test_the_trace_sees_known_attempts_and_the_network_is_empty(tmp_path):
    if not (shutil.which("strace") and shutil.which("unshare")):
        pytest.skip("strace or unshare is not installed")
    trace = tmp_path / "trace"
    command = tracing.command([sys.executable, "-c", tracing.CONTROL], trace)
    done = subprocess.run(command, capture_output=True, text=True)
    if "unshare" in done.stderr:
        pytest.skip(f"no namespaces here: {done.stderr}")
    assert "interfaces in the trial: lo" in done.stderr
    left = tracing.judge(trace)[1]
    assert left == {f"connect {tracing.NOWHERE}": 2, f"sendto {tracing.NOWHERE_6}": 2}
