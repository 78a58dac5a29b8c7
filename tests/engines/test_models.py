"""Model files for one card of 32 GB: valid once they are pinned, and within its memory.

Sizes of weights are bounds: parameters by bits a number (Q4_K_M less than 5, Q8_0 34 bytes for 32),
or what was published of such files. The architectures are those of the published `config.json`.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from assay.core import settings
from assay.engines import _vllm_budget
from assay.engines._budget import MIB, Use, budget
from assay.engines._shape import of_config
from assay.engines._text import split_thinking
from assay.engines._vllm_plan import use_of

MODELS = Path(__file__).parents[2] / "config" / "models"
CARD = 32 * 10**9  # bytes; what such cards report is a little more
UNPINNED = {
    path.stem: content for path in sorted(MODELS.glob("*.yaml"))
    if "pin" in (content := yaml.safe_load(path.read_text())).get("weights", {})
}  # fmt: skip
EXPECTED = {
    "deepseek-r1-distill-qwen-32b", "gemma-4-31b", "mistral-nemo-12b", "qwen3.6-35b-a3b-ollama",
    "qwen3.6-35b-a3b-vllm",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(UNPINNED))
def test_a_model_file_is_valid_once_it_is_pinned(name, tmp_path):
    folder = tmp_path / "config"
    shutil.copytree(MODELS.parent, folder)
    content = yaml.safe_load((folder / "models" / f"{name}.yaml").read_text())
    del content["weights"]["pin"]
    stated = {"sha256": "0" * 64, "size": 1}
    if content["weights"]["kind"] == "snapshot":
        names = ("config.json", "model.safetensors", "tokenizer.json")
        stated = {"files": [{"file": name, **stated} for name in names]}
    content["weights"] |= stated
    (folder / "models" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    assert list(settings.load(folder, {"models": [name]}).models) == [name]


@pytest.mark.parametrize("name", sorted(UNPINNED))
def test_no_digest_is_made_up_and_the_sampler_is_greedy(name):
    content = UNPINNED[name]
    assert not {"sha256", "size", "files"} & set(content["weights"])
    assert f"MODEL={name} " in (MODELS / f"{name}.yaml").read_text()
    sampler = content["parameters"]["sampler"]
    assert sampler["temperature"] == 0
    neutral = {"top_k": 0, "top_p": 1, "min_p": 0, "presence_penalty": 0, "frequency_penalty": 0}
    assert {key: sampler[key] for key in neutral} == neutral
    assert 1 in (sampler.get("repeat_penalty"), sampler.get("repetition_penalty"))


def test_the_models_of_the_plan_are_there():
    assert set(UNPINNED) >= EXPECTED


def llama(name: str, config: dict, weights: int, **changed) -> int:
    """The bytes that a model needs as its file has llama.cpp (or Ollama) run it."""
    content = UNPINNED[name]
    chosen = content["parameters"]
    use = Use(chosen["context"], chosen["ubatch"], chosen["kv_type"], chosen["flash_attention"])
    reserve = content["memory"]["reserve_mib"] * MIB
    return budget(of_config(config, weights), replace(use, **changed), reserve).total


def test_deepseek_r1_fits_with_a_cache_of_8_bits_and_4_bits_are_what_fits():
    """The config of deepseek-ai/DeepSeek-R1-Distill-Qwen-32B (as of Qwen2.5-32B): 64 layers, 8
    heads of keys and values of 128, 32.76 billion parameters, published in its config.json.
    """
    config = {
        "num_hidden_layers": 64, "hidden_size": 5120, "intermediate_size": 27_648,
        "num_attention_heads": 40, "num_key_value_heads": 8, "vocab_size": 152_064,
        "sliding_window": 131_072, "max_position_embeddings": 131_072,
    }  # fmt: skip
    name, parameters = "deepseek-r1-distill-qwen-32b", 32_763_876_352
    assert llama(name, config, parameters * 5 // 8) < CARD
    assert llama(name, config, parameters * 13 // 16) > CARD, "6.5 bits a number"


def test_gemma_4_31b_fits_and_its_windows_cost_little(published):
    """The config of google/gemma-4-31B-it (see conftest.py): ten of 60 layers see all.

    A Q4_K_M file has 18.7 GB (the card of steampunque/gemma-4-31B-it-MP-GGUF).
    """
    weights, config = 19 * 10**9, published["gemma-4-31b"]
    assert llama("gemma-4-31b", config, weights) < CARD
    assert llama("gemma-4-31b", config, weights, context=131_072) < CARD


def test_mistral_nemo_12b_fits_with_8_bits_and_a_cache_of_16():
    """The architecture on the card of mistralai/Mistral-Nemo-Instruct-2407: 40 layers, 32 heads of
    128, 8 of keys and values, a vocabulary of 2**17 (its «hidden dim 14,436» is taken as it is).
    """
    config = {
        "num_hidden_layers": 40, "hidden_size": 5120, "intermediate_size": 14_436, "head_dim": 128,
        "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 131_072,
        "max_position_embeddings": 131_072,
    }  # fmt: skip
    layer = 5120 * 128 * (2 * 32 + 2 * 8) + 3 * 5120 * 14_436
    parameters = 40 * layer + 2 * 131_072 * 5120
    assert 12.0e9 < parameters < 12.6e9
    assert llama("mistral-nemo-12b", config, parameters * 34 // 32) < CARD


def test_qwen_fits_on_vllm_and_its_cache_holds_the_context(published):
    """The config of Qwen/Qwen3.6-35B-A3B (see conftest.py); the largest of the 4-bit snapshots
    found has 24.4 GB (the card of palmfuture/Qwen3.6-35B-A3B-GPTQ-Int4).
    """
    content = UNPINNED["qwen3.6-35b-a3b-vllm"]
    shape, use = (
        of_config(published["qwen3.6-35b-a3b"], 24_400_000_000),
        use_of(content["parameters"]),
    )
    reserve = content["memory"]["reserve_mib"] * MIB
    record = _vllm_budget.table(shape, use, reserve, CARD)
    _vllm_budget.require(shape, use, record, ("m", "declared"))
    assert record["cache_needed"] <= use.kv
    said = (MODELS / "qwen3.6-35b-a3b-vllm.yaml").read_text()
    assert f"needs {-(-record['cache_needed'] // MIB)}" in said


def test_thinking_that_a_template_has_opened_is_taken_apart():
    """DeepSeek-R1 and Qwen3.6: the prompt ends with `<think>`, the answer holds its end alone."""
    assert split_thinking("a\n</think>\n\nb", opened=True) == ("a", "b")
    assert split_thinking("a", opened=True) == ("a", "")
