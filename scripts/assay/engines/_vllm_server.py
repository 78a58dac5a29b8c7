"""The parent's side of vLLM: what it is started with, start and stop, the model's folder."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from assay.core.files import canonical_json, sha256_file, sha256_text
from assay.core.interpreters import engines_python
from assay.engines._http import Link, free_port
from assay.engines._log import Log
from assay.engines._vllm_client import Api
from assay.engines._vllm_model import chat_template, files_digest, prepare
from assay.engines.base import EngineDiedError

CHILD = Path(__file__).with_name("_vllm_child.py")
# -P: modules of ours are named as packages that vLLM imports.
PYTHON = (engines_python(), "-P", "-s")
PATIENCE_S = 1800
SAID = ("version", "packages", "cpu", "devices")
POLL_S, STOP_S = 0.1, 10
NAME = "model"  # what the server calls it
OURS = ("VLLM_", "OMP_", "GOMP_", "KMP_", "MKL_", "HF_", "TRANSFORMERS_", "TORCH", "CUBLAS_",
        "LD_PRELOAD", "ATEN_", "ONEDNN_", "DNNL_")  # fmt: skip
# The same instructions on each machine: torch, oneDNN and MKL would take the widest that they find
# (and torch the slowest where it finds no /proc/cpuinfo). vLLM's own choice follows torch's view.
ONE_PATH = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}


class Server:
    """One child process and those that it starts; `about` is what it said of itself."""

    def __init__(
        self, weights: Path, parameters: Mapping[str, Any], seed: int, log: IO[bytes]
    ) -> None:
        self.weights, self.parameters, self.seed = weights, dict(parameters), seed
        self.log = Log(log)
        self.link = Link("vLLM", parameters.get("patience_s", PATIENCE_S))
        self.api = Api(self.link, NAME)
        self.about: dict[str, Any] = {}
        self.started_us = 0
        self._child: subprocess.Popen[str] | None = None
        self._home: Path | None = None
        self._model: tuple[Path, str] | None = None  # its folder, and a digest over it

    def start(self) -> None:
        """Start the child, or start it anew; raise EngineDiedError if it does not come up."""
        self.stop()
        self.log.mark()
        began = time.monotonic_ns()
        if self._home is None:
            self._home = Path(tempfile.mkdtemp(prefix="vllm-"))
        environment = {**kept(), **stated(self.parameters), **places(self._home)}
        if self._model is None:
            folder = prepare(self.weights, self._home, PYTHON, (environment, self.log.stream))
            self._model = folder, files_digest(folder)
        model, digest = self._model
        template = chat_template(model, self.parameters.get("chat_template"))
        arguments = arguments_of(self.parameters, self.seed)
        said = self._launch(model, template, arguments, environment)
        self._await()
        self.about = {
            **{name: said[name] for name in SAID}, "context": self.api.context(),
            "binary_sha256": libraries_digest(tuple(said["libraries"])), "model_sha256": digest,
            "arguments": arguments, "environment": stated(self.parameters),
            "chat_template": template,
        }  # fmt: skip
        self.started_us = (time.monotonic_ns() - began) // 1000

    def stop(self) -> None:
        """End the child and its own processes, if there are some; the model's folder stays."""
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(STOP_S)
        for stream in (child.stdin, child.stdout):
            if stream:
                stream.close()

    def close(self) -> None:
        """End the child and remove the model's folder."""
        self.stop()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = self._model = None

    @property
    def pid(self) -> int:
        """Return the child's process id; raise EngineDiedError if there is no child."""
        if self._child is None:
            raise EngineDiedError("vLLM is not running")
        return self._child.pid

    def _launch(
        self, model: Path, template: str, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> dict[str, Any]:
        file = Path(environment["HOME"]) / "template.jinja"
        file.write_text(template, encoding="utf-8")
        port = free_port()
        self.link.address = f"http://127.0.0.1:{port}"
        self._child = subprocess.Popen(
            [*PYTHON, str(CHILD), *arguments, "--model", str(model), "--port", str(port),
             "--chat-template", str(file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log.stream, text=True,
            encoding="utf-8", env=environment, start_new_session=True,
        )  # fmt: skip
        return self._first_line()

    def _first_line(self) -> dict[str, Any]:
        stdout: Any = getattr(self._child, "stdout", None)
        ready, _, _ = select.select([stdout], [], [], self.link.patience_s)
        if not ready:
            raise self._failed(f"no word within {self.link.patience_s} s")
        try:
            return dict(json.loads(stdout.readline()))
        except ValueError as error:
            raise self._failed("it ended") from error

    def _await(self) -> None:
        began = time.monotonic()
        while self._child is not None and self._child.poll() is None:
            if self.api.is_up():
                return
            if time.monotonic() - began > self.link.patience_s:
                raise self._failed(f"no word within {self.link.patience_s} s")
            time.sleep(POLL_S)
        raise self._failed("it ended")

    def _failed(self, reason: str) -> EngineDiedError:
        self.stop()
        said = self.log.last_words()
        return EngineDiedError(f"vLLM did not start ({reason}); its last words:\n{said}")


def arguments_of(parameters: Mapping[str, Any], seed: int) -> list[str]:
    """Return the server's arguments: nothing is left to the machine's or the model's choice."""
    return [
        "--host", "127.0.0.1", "--served-model-name", NAME, "--seed", str(seed),
        "--max-model-len", str(parameters["context"]), "--max-num-seqs", "1",
        "--max-num-batched-tokens", str(parameters["batch"]), "--enable-chunked-prefill",
        "--block-size", str(parameters["block"]),
        "--kv-cache-memory-bytes", str(parameters["kv_mib"] << 20),
        "--kv-cache-dtype", parameters["kv_type"], "--dtype", parameters["dtype"],
        "--no-enable-prefix-caching", "--no-async-scheduling", "--stream-interval", "1",
        "--enforce-eager" if parameters["eager"] else "--no-enforce-eager",
        # What a model's folder may hold beside numbers: samplers of its own, code, pickles.
        "--generation-config", "vllm", "--no-trust-remote-code", "--load-format", "safetensors",
        "--config-format", "hf", "--tokenizer-mode", "hf",
        "--tensor-parallel-size", "1", "--max-logprobs", "2", "--enable-prompt-tokens-details",
        "--enable-per-request-metrics", "--disable-uvicorn-access-log",
        *(["--language-model-only"] if parameters.get("language_only") else []),
    ]  # fmt: skip


def stated(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that vLLM and its libraries take from the environment."""
    threads = str(parameters["threads"])
    found = {
        "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OMP_DYNAMIC": "false",
        # See _llamacpp_client.py: threads that spin cost more than they gain.
        "OMP_WAIT_POLICY": "passive", "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_PLUGINS": "",
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false", "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_HOST_IP": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo", "VLLM_CONFIGURE_LOGGING": "1",
        "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": "0",
    }  # fmt: skip
    if parameters["eager"]:  # some helpers of vLLM's would be compiled even so
        found["TORCH_COMPILE_DISABLE"] = "1"
    if parameters["device"] == "cuda":
        found["VLLM_BATCH_INVARIANT"] = str(int(parameters["batch_invariant"]))
        found["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    else:
        found |= {"VLLM_TARGET_DEVICE": "cpu", **ONE_PATH}
    return found


def kept() -> dict[str, str]:
    """Return the environment without what would set vLLM or its libraries otherwise."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def places(home: Path) -> dict[str, str]:
    """Return the folders that vLLM may write into, which decide nothing."""
    names = ("VLLM_CACHE_ROOT", "VLLM_CONFIG_ROOT", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
             "HF_HOME", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")  # fmt: skip
    return {"HOME": str(home), **{name: str(home / "cache" / name.lower()) for name in names}}


@functools.cache
def libraries_digest(paths: Sequence[str]) -> str:
    """Return a digest over names and contents of compiled libraries."""
    found = [[Path(path).name, sha256_file(Path(path))] for path in paths]
    return sha256_text(canonical_json(found))
