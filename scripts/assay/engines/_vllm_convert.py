"""Makes what vLLM loads of a GGUF file: weights as safetensors, config and tokenizer.

    python -P _vllm_convert.py WEIGHTS FOLDER

transformers reads the file and computes its 4-bit numbers out into 32-bit ones; the same bytes come
out each time. The quantised model is the same one that llama.cpp runs, up to its own arithmetic.
transformers does not read how a file's tokenizer cuts text into words (`tokenizer.ggml.pre`), and
takes GPT-2's way where the architecture has no other. So that is put right here, or refused:
another way gives other tokens for the same prompt, unseen. Imports nothing of assay: it runs as a
file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# Where the file lay, and that it was quantised, which it is no more.
LEFT_OUT = ("_name_or_path", "_model_name_or_path", "quantization_config")
GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
# tokenizer.ggml.pre -> what llama.cpp does by that name (src/llama-vocab.cpp), in tokenizers' terms
SPLITS: dict[str, dict[str, Any]] = {
    "gpt-2": GPT2,
    "smollm": {
        "type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, GPT2],
    },
}


def split_right(tokenizer: dict[str, Any], named: str) -> dict[str, Any]:
    """Return the content of tokenizer.json with the way to cut text that the GGUF file names.

    What transformers did not take from GPT-2 is the architecture's own, and stays. Raises
    ValueError for a way that is not known here.
    """
    if tokenizer["pre_tokenizer"] != GPT2:
        return tokenizer
    if named not in SPLITS:
        raise ValueError(
            f"tokenizer.ggml.pre is {named!r}, and transformers would cut text as GPT-2 does; "
            f"known: {', '.join(sorted(SPLITS))}. Take the model as a snapshot (docs/engines.md)"
        )
    return {**tokenizer, "pre_tokenizer": SPLITS[named]}


def main() -> None:
    """Convert one file."""
    import gguf
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
    field = gguf.GGUFReader(weights).fields.get("tokenizer.ggml.pre")
    place = folder / "tokenizer.json"
    tokenizer = json.loads(place.read_text(encoding="utf-8"))
    right = split_right(tokenizer, str(field.contents()) if field else "gpt-2")
    place.write_text(json.dumps(right, ensure_ascii=False, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
