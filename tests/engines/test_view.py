"""What a model's process can reach: looked at from the inside, by a fake engine in a real view."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from assay.core.records import KEYS
from assay.core.tables import write_table
from assay.engines import _view

CANARY = "a canary of ours"
# What a run holds beside the model's own inputs and outputs.
HIDDEN = (
    "select_tasks/t/keys.parquet", "select_tasks/t/rejected.parquet", "fetch_source/t/source.tar",
    "extract_units/t/units.parquet", "record_behaviour/t/scenarios.parquet",
    "run_model/other/responses.parquet", "score_answers/m/t/verdicts.parquet", "summary.json",
    "telemetry/run_model/other/telemetry.parquet", "telemetry/logs/run_model/m.log",
)  # fmt: skip


@pytest.fixture(scope="module")
def listeners(tmp_path_factory):
    """Servers outside that a process with a network, or with this machine's files, would reach."""
    path = tmp_path_factory.mktemp("outside") / "socket"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        named.bind(str(path))
        abstract.bind(f"\0assay-test-{os.getpid()}")
        named.listen()
        abstract.listen()
        yield [
            ["AF_INET", "SOCK_STREAM", ["127.0.0.1", tcp.getsockname()[1]]],
            ["AF_UNIX", "SOCK_STREAM", str(path)],
            ["AF_UNIX", "SOCK_STREAM", abstract.getsockname().decode()],
        ]


@pytest.fixture(scope="module")
def seen(fake_run_at, task, key, listeners, tmp_path_factory):
    """The report of the fake engine, the run, and what it was told to try."""
    root = tmp_path_factory.mktemp("results") / "r"
    for name in HIDDEN:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(CANARY)
    tries = {
        "system": ["/usr", *sorted({sys.prefix, sys.base_prefix})],
        "read": [*(str(root / name) for name in HIDDEN), "/etc/passwd", "/proc/self/environ"],
        "write": ["/tasks/0.parquet", "/weights/model", "/code/assay/x", "/x", "/usr/x",
                  "/responses/mine", "/tmp/mine"],
        "connect": [
            *listeners, ["AF_INET", "SOCK_STREAM", ["192.0.2.1", 80]],
            ["AF_INET", "SOCK_DGRAM", ["192.0.2.1", 53]],
            ["AF_INET6", "SOCK_STREAM", ["2001:db8::1", 80]],
        ],
    }  # fmt: skip
    run = fake_run_at(root, [task(0, "hello"), task(1, "look " + json.dumps(tries))])
    write_table(root / "select_tasks/t/keys.parquet", KEYS, [key(task(0, "hello"), CANARY)])
    handle = os.open(root / "select_tasks/t/keys.parquet", os.O_RDONLY)
    try:
        os.set_inheritable(handle, True)
        status, said = run.run(pass_fds=(handle,))
    finally:
        os.close(handle)
    assert status == 0, said
    return json.loads(run.rows()[1]["response"]), run, tries


def test_the_model_sees_tasks_weights_its_outputs_and_the_code_and_nothing_else(seen, library):
    report, run, _ = seen
    files = report["files"]
    code = {name for name in files if name.startswith("/code/assay/")}
    own = {name for name in files if name.startswith(("/responses/", "/telemetry/"))}
    devices = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")}
    assert set(files) - code - own - devices == {"/tasks/0.parquet", "/weights/model"}
    names = sorted(Path(name).name for name in own)
    assert names[1:] == ["engine.log"]
    assert names[0].endswith(".journal")
    held = {path.relative_to(library).as_posix(): path for path in library.rglob("*.py")}
    assert {name.removeprefix("/code/") for name in code if name.endswith(".py")} == set(held)
    assert files["/tasks/0.parquet"].encode("latin-1") == (run.root / "tasks.parquet").read_bytes()
    assert files["/weights/model"] == "fake weights"
    leaking = [name for name, text in files.items() if CANARY in text]
    assert leaking == []
    assert report["read"] == []


def test_the_model_writes_its_outputs_and_its_own_tmp_only(seen):
    report, _, _ = seen
    assert report["written"] == ["/responses/mine", "/tmp/mine"]
    assert not Path("/tmp/mine").exists()


def test_the_model_reaches_its_own_loopback_only(seen):
    report, _, tries = seen
    assert len(tries["connect"]) == 6
    assert report["reached"] == []
    assert report["interfaces"] == ["lo"]
    assert report["own_loopback"]


def test_the_model_inherits_neither_environment_nor_open_files(seen):
    report, _, _ = seen
    assert "SECRET" not in report["environment"]
    assert CANARY not in json.dumps(report["environment"])
    assert set(report["environment"]) <= {
        "PATH", "HOME", "PYTHONPATH", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE",
        "PYTHONUTF8", "TZ", "PYTHONHASHSEED", "POLARS_MAX_THREADS", "PWD", "LC_CTYPE",
    }  # fmt: skip
    places = {Path(name).name.partition(".")[0] or "journal" for name in report["descriptors"]}
    assert places == {"engine", "journal"}
    assert not [name for name in report["descriptors"] if "unknown" in name]


LOOK = """
import json, os
from pathlib import Path
Path("/proc/self/comm").write_text("named")  # as CUDA does; it does not start where it can't
whole = ("kernel/core_pattern", "kernel/hostname", "vm/drop_caches")
json.dump({
    "processes": [name for name in os.listdir("/proc") if name.isdigit()],
    "devices": sorted(os.listdir("/dev")), "name": Path("/proc/self/comm").read_text(),
    "writable": [name for name in (*(f"sys/{name}" for name in whole), "sysrq-trigger", "irq")
                 if os.access(f"/proc/{name}", os.W_OK)],
    "libraries": os.environ.get("LD_LIBRARY_PATH"),
    "driver": [path.read_text() for path in Path("/").glob("*/libs/libcuda.so.1")],
}, Path("/out/seen").open("w"))
"""


def test_only_a_model_that_uses_a_card_sees_the_driver_and_a_proc_of_its_own(tmp_path, monkeypatch):
    driver = tmp_path / "libs"
    driver.mkdir()
    (driver / "libcuda.so.1").write_text("a fake driver")
    monkeypatch.setattr(_view, "DRIVER", driver)
    found = []
    for cards in (True, False):
        view = _view.View((), ((tmp_path, "/out"),), cards=cards)
        arguments = _view.view_arguments(view)
        assert (str(driver) in arguments) is cards
        program = "import os; os.path.exists('/proc/self') or os._exit(7)\n" + LOOK
        found.append(_view.run_in_view(("-c", program), view, ""))
    assert found == [0, 7]
    seen = json.loads((tmp_path / "seen").read_text())
    assert len(seen["processes"]) <= 2, "bubblewrap's own first process, and this one"
    assert seen["libraries"] == str(driver)
    assert seen["name"] == "named\n"
    assert seen["writable"] == [], "of the machine's own settings"


def test_a_model_file_says_whether_the_cards_are_shown(tmp_path):
    from assay.engines._outputs import Outputs
    from assay.engines._step import Inputs, view_of

    outputs = Outputs(tmp_path / "r", tmp_path / "t", tmp_path / "f")
    inputs = Inputs((), (), tmp_path / "receipt", None)
    for layers in (0, 99):
        handed = {"parameters": {"gpu_layers": layers}}
        _, view = view_of("llamacpp", handed, None, inputs, outputs)
        assert view.cards is bool(layers)
