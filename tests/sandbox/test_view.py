"""What a sandbox sees, shown from inside by trying."""

from __future__ import annotations

import os
import socket

import pytest

from assay.core.errors import UserError
from assay.sandbox import view as views

# Writes nothing: what would be harmful is only opened. Modes are set to what they are.
TRY_TO_WRITE = """
def write(path):
    os.close(os.open(path, os.O_WRONLY | (0 if path.startswith("/proc") else os.O_CREAT)))
    return "written"
say({path: tried(lambda path=path: write(path)) for path in PLACES})
"""


@pytest.fixture
def sockets(tmp_path):
    """Sockets that a sandbox must not reach: TCP on loopback, an abstract and a path one."""
    listening = []
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_UNIX, f"\0assay-test-{os.getpid()}"),
        (socket.AF_UNIX, str(tmp_path / "socket")),
    ):
        one = socket.socket(family)
        one.bind(address)
        one.listen()
        listening.append(one)
    yield [one.getsockname() for one in listening]
    for one in listening:
        one.close()


@pytest.mark.slow
def test_no_network_of_any_kind(inside, sockets):
    (_, port), abstract, path = sockets
    got = inside.said(f"""
say({{
    "tcp": tried(lambda: socket.create_connection(("127.0.0.1", {port}), 2)),
    "udp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "tcp6": tried(lambda: socket.socket(socket.AF_INET6)),
    "dns": tried_dns(),
    "raw": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
    "netlink": tried(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)),
    "packet": tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)),
    "vsock": tried(lambda: socket.socket(40, socket.SOCK_STREAM)),
    "abstract": tried(lambda: socket.socket(socket.AF_UNIX).connect({abstract!r})),
    "path": tried(lambda: socket.socket(socket.AF_UNIX).connect({path!r})),
    "interfaces": [line.split(":")[0].strip() for line in open("/proc/net/dev")][2:],
}})
""".replace("tried_dns()", "dns()").join(["""
def dns():
    try:
        return socket.getaddrinfo("localhost.example", 80)
    except socket.gaierror:
        return "no answer"
""", ""]))  # fmt: skip
    none = "EAFNOSUPPORT"
    assert got == {
        "tcp": none, "udp": none, "tcp6": none, "dns": "no answer", "raw": none, "netlink": none,
        "packet": none, "vsock": none, "abstract": "ECONNREFUSED", "path": "ENOENT",
        "interfaces": ["lo"],
    }  # fmt: skip


@pytest.mark.slow
def test_a_socket_among_its_own_processes_works(inside):
    got = inside.said("""
ours, theirs = socket.socketpair()
ours.sendall(b"x")
say(theirs.recv(1).decode())
""")
    assert got == "x"


@pytest.mark.slow
def test_no_file_of_the_host(inside, tmp_path, repository):
    (tmp_path / "secret").write_text("s")
    got = inside.said(f"""
def listing(path):
    return tried(lambda: sorted(os.listdir(path)))
say({{
    "top": listing("/"), "etc": listing("/etc"), "dev": listing("/dev"), "home": listing("/tmp"),
    "local": listing("/usr/local"),
    "secret": listing({str(tmp_path)!r}), "repository": listing({str(repository)!r}),
    "root": listing("/root"), "run": listing("/run"), "sys": listing("/sys"),
}})
""")
    assert set(got.pop("top")) <= {
        "bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "tmp", "usr",
    }  # fmt: skip
    assert got.pop("etc") == ["group", "passwd"]
    assert set(got.pop("dev")) <= {*views.DEVICES, "shm"}
    assert got.pop("home") == got.pop("local") == []
    assert set(got.values()) == {"ENOENT"}


@pytest.mark.slow
def test_the_root_is_read_only_and_the_scratch_folders_are_not(inside):
    places = ["/x", "/usr/x", "/usr/local/x", "/etc/x", "/etc/passwd", "/dev/x", "/bin/x",
              "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
              "/proc/sys/vm/drop_caches", "/proc/self/oom_score_adj", "/proc/1/oom_score_adj",
              "/tmp/x", "/dev/shm/x"]  # fmt: skip
    got = inside.said(f"PLACES = {places!r}" + TRY_TO_WRITE)
    assert {got.pop("/tmp/x"), got.pop("/dev/shm/x")} == {"written"}
    assert set(got.values()) <= {"EROFS", "EACCES", "EPERM"}


@pytest.mark.slow
def test_device_nodes_work_and_a_change_of_the_host_s_is_undone(inside):
    before = views.device_modes()
    got = inside.said("""
changed = tried(lambda: os.chmod("/dev/full", 0o664))
say([changed, os.stat("/dev/full").st_mode & 0o777, open("/dev/null", "w").write("x"),
     len(open("/dev/urandom", "rb").read(4))])
""")
    assert got[:2] in (["EPERM", 0o666], [None, 0o664]), "root's sandbox may do so"
    assert got[2:] == [1, 4]
    assert views.device_modes() == before


@pytest.mark.slow
def test_binds_are_read_only_writable_ones_are_not_and_hidden_places_are_empty(inside, tmp_path):
    for name in ("given", "output"):
        (tmp_path / name / "part").mkdir(parents=True)
        (tmp_path / name / "part" / "file").write_text(name)
        (tmp_path / name).chmod(0o777)
    got = inside.said(
        """PLACES = ["/given/x", "/given/part/x", "/output/x"]"""
        + TRY_TO_WRITE.replace("say(", "made = (")
        + """say([made, open("/output/part/file").read(), os.listdir("/given/part")])""",
        binds=((tmp_path / "given", "/given"),), writable=((tmp_path / "output", "/output"),),
        hidden=("/given/part",),
    )  # fmt: skip
    made, text, hidden = got
    assert made == {"/given/x": "EROFS", "/given/part/x": "EROFS", "/output/x": "written"}
    assert (text, hidden) == ("output", [])
    assert (tmp_path / "output" / "x").exists()


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_scratch_folders_are_of_the_given_size(folder, inside):
    got = inside.said(f"""
import resource
def fill():
    with open({folder!r} + "/a", "wb") as one, open({folder!r} + "/b", "wb") as two:
        for _ in range(8):
            one.write(bytes(1 << 20)); two.write(bytes(1 << 20)); one.flush(); two.flush()
    return "fits"
say([tried(fill), os.statvfs({folder!r}).f_blocks * 4096 >> 20])
""")
    assert got == ["ENOSPC", 8]


@pytest.mark.slow
def test_the_environment_is_the_fixed_one_and_descriptors_are_its_own(inside, monkeypatch):
    monkeypatch.setenv("ASSAY_SECRET", "token")
    kept = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(kept, True)
    try:
        got = inside.said("""
descriptors = {}
for name in os.listdir("/proc/self/fd"):
    try:
        descriptors[name] = os.readlink("/proc/self/fd/" + name).split(":")[0]
    except FileNotFoundError:
        pass  # that of the listing
variables = dict(os.environ)
channel = variables.pop("ASSAY_CHANNEL")
init = open("/proc/1/environ").read()
say([variables, channel, descriptors, init])
""", environment={"PYTHONHASHSEED": "3"})  # fmt: skip
    finally:
        os.close(kept)
    variables, channel, descriptors, init = got
    variables.pop("PWD")  # the shell that sets the limits adds it
    assert variables == {**views.ENVIRONMENT, "PYTHONHASHSEED": "3"}
    assert descriptors.pop(channel) == "pipe"
    assert set(descriptors) == {"0", "1", "2"}
    assert "token" not in init


@pytest.mark.slow
def test_nothing_of_the_machine_is_told(inside):
    got = inside.said("""
import getpass
say([os.uname().nodename, os.getuid(), os.getgid(), getpass.getuser(), os.getcwd(), os.getppid(),
     sorted(int(name) for name in os.listdir("/proc") if name.isdigit()) == [1, os.getpid()]])
""")
    assert got == ["sandbox", 65534, 65534, "nobody", "/tmp", 1, True]


def test_bubblewrap_is_found_or_the_error_says_what_to_do(no_bwrap):
    with pytest.raises(UserError, match="bubblewrap is missing") as caught:
        views.find_bwrap()
    assert "make" in str(caught.value)


def test_bubblewrap_on_the_path_comes_first(tmp_path, monkeypatch):
    path = tmp_path / "bwrap"
    path.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert views.find_bwrap() == path
