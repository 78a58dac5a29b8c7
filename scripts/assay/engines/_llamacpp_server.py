"""The child process that holds llama.cpp: its own server on loopback, and nothing else.

Reads one JSON object from standard input, {"model": path, "parameters": {…}}, starts the server,
prints one JSON line about itself, and ends when standard input does. A crash of the engine ends
this process only. Imports nothing of assay: it runs as a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

KV_TYPES = {"f16": "GGML_TYPE_F16", "f32": "GGML_TYPE_F32", "q8_0": "GGML_TYPE_Q8_0"}
# Names of the machine or of this start: they decide no text.
UNRECORDED = {"port", "model_path", "hf_token", "hostnames"}
LONGEST_LIST = 16


def main() -> None:
    """Start the server, report, wait for the parent to go."""
    import xllamacpp

    order = json.loads(sys.stdin.readline())
    # The engine may print: what this program reports must not be mixed with it.
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    params = configured(xllamacpp, order["model"], order["parameters"])
    server = xllamacpp.Server(params)
    about = {
        "address": server.listening_address, "arguments": arguments_of(params),
        "version": xllamacpp.__version__, "binary_sha256": binary_digest(xllamacpp),
        "system": xllamacpp.get_system_info(), "devices": devices(xllamacpp),
    }  # fmt: skip
    report.write(json.dumps(about, sort_keys=True) + "\n")
    report.flush()
    sys.stdin.read()
    # The orderly way out waits for an answer that nobody reads any more.
    os._exit(0)


def configured(xllamacpp: Any, model: str, chosen: dict[str, Any]) -> Any:
    """Return the server's parameters: nothing is left to the machine's own choice."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx, params.n_parallel = chosen["context"], 1
    params.n_batch, params.n_ubatch = chosen["batch"], chosen["ubatch"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = chosen["threads"]
    params.n_gpu_layers, params.fit_params = chosen["gpu_layers"], False
    kind = xllamacpp.llama_flash_attn_type
    params.flash_attn_type = (
        kind.LLAMA_FLASH_ATTN_TYPE_ENABLED
        if chosen["flash_attention"]
        else kind.LLAMA_FLASH_ATTN_TYPE_DISABLED
    )
    kv_type = getattr(xllamacpp.ggml_type, KV_TYPES[chosen["kv_type"]])
    params.cache_type_k = params.cache_type_v = kv_type
    params.ctx_shift = params.cont_batching = params.kv_unified = False
    # No way for one answer to leave anything to the next.
    params.cache_prompt = params.cache_idle_slots = False
    params.cache_ram_mib = params.n_cache_reuse = params.n_ctx_checkpoints = 0
    params.n_threads_http, params.port, params.use_jinja = 2, 0, True
    params.ui = params.endpoint_slots = params.endpoint_metrics = False
    params.chat_template = chosen.get("chat_template") or ""
    # Level 4 logs how many layers went to a device.
    params.verbosity = 4
    return params


def arguments_of(params: Any) -> dict[str, Any]:
    """Return every plain argument of the server, defaults included."""
    found = _plain(params)
    for part in ("cpuparams", "cpuparams_batch", "sampling"):
        found[part] = _plain(getattr(params, part))
    return found


def binary_digest(xllamacpp: Any) -> str:
    """Return the hex SHA-256 of the extension module that holds llama.cpp."""
    folder = Path(xllamacpp.__file__).parent
    (library,) = sorted(folder.glob("xllamacpp*.so"))
    return hashlib.sha256(library.read_bytes()).hexdigest()


def devices(xllamacpp: Any) -> list[dict[str, str]]:
    """Return name and description of each device that the engine sees."""
    return [
        {"name": str(device["name"]), "description": str(device["description"])}
        for device in xllamacpp.get_device_info()
    ]


def _plain(source: Any) -> dict[str, Any]:
    found = {}
    for name in sorted(dir(source)):
        if name.startswith("_") or name in UNRECORDED:
            continue
        value = getattr(source, name)
        simple = isinstance(value, (bool, int, float, str)) or value is None
        short = isinstance(value, list) and len(value) <= LONGEST_LIST
        if simple or (short and all(isinstance(item, (int, float, str)) for item in value)):
            found[name] = value
    return found


if __name__ == "__main__":
    main()
