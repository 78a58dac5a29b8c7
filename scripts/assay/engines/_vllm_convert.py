"""Makes what vLLM loads of a GGUF file: weights as safetensors, config and tokenizer.

    python -P _vllm_convert.py WEIGHTS FOLDER

transformers reads the file and computes its 4-bit numbers out into 32-bit ones; the same bytes come
out each time. The quantised model is the same one that llama.cpp runs, up to its own arithmetic.
Imports nothing of assay: it runs as a file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# Where the file lay, and that it was quantised, which it is no more.
LEFT_OUT = ("_name_or_path", "_model_name_or_path", "quantization_config")


def main() -> None:
    """Convert one file."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    weights, folder = map(Path, sys.argv[1:])
    named: dict[str, Any] = {"gguf_file": weights.name, "trust_remote_code": False}
    model = AutoModelForCausalLM.from_pretrained(weights.parent, dtype=torch.float32, **named)
    folder.mkdir(parents=True)
    tensors = model.state_dict()
    once = dict(model.named_parameters())
    for name, _ in model.named_parameters(remove_duplicate=False):
        if name not in once:  # another one's, under a second name
            del tensors[name]
    ordered = {name: tensors[name].contiguous() for name in sorted(tensors)}
    save_file(ordered, folder / "model.safetensors", metadata={"format": "pt"})
    config = {name: value for name, value in model.config.to_dict().items() if name not in LEFT_OUT}
    config["architectures"] = [type(model).__name__]
    text = json.dumps(config, indent=1, sort_keys=True)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    AutoTokenizer.from_pretrained(weights.parent, **named).save_pretrained(folder)


if __name__ == "__main__":
    main()
