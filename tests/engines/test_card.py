"""The card before a model starts, as a fake `nvidia-smi` (a shell script, no card) tells of it."""

from __future__ import annotations

import pytest

from assay.core.errors import UserError
from assay.engines._card import require_empty

GPU = {"parameters": {"gpu_layers": 99}}


@pytest.fixture
def fake_smi(tmp_path, monkeypatch):
    """Put a fake nvidia-smi into PATH, alone: what it says of cards and processes."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(cards, processes="", status=0):
        script = folder / "nvidia-smi"
        script.write_text(
            "#!/bin/sh\n"
            f'case "$1" in *query-gpu*) printf "%s" "{cards}";;\n'
            f'*) printf "%s" "{processes}";; esac\n'
            f"exit {status}\n"
        )
        script.chmod(0o755)

    return make


def test_an_empty_card_is_recorded(fake_smi):
    fake_smi("0, NVIDIA X9, 3, 81559\n")
    assert require_empty("m", GPU) == [
        {"card": "0, NVIDIA X9", "used_mib": 3, "total_mib": 81559}
    ]  # fmt: skip


def test_a_card_that_another_process_uses_is_refused_with_its_name(fake_smi):
    fake_smi("0, NVIDIA X9, 4, 81559\n1, NVIDIA X9, 20513, 81559\n", "4242, ollama, 20500\n")
    with pytest.raises(UserError) as error:
        require_empty("m", GPU)
    words = str(error.value)
    assert "the card is not empty" in words
    assert "card 1, NVIDIA X9" in words
    assert "20513 of 81559 MiB are in use; ollama (4242): 20500 MiB" in words
    assert "at most 512 MiB before a model starts" in words
    assert "config/models/m.yaml" in words


def test_what_others_may_use_is_the_reserve_of_the_model_file(fake_smi):
    fake_smi("0, X9, 2000, 32000\n")
    with pytest.raises(UserError, match="not empty"):
        require_empty("m", {**GPU, "memory": {"reserve_mib": 1999}})
    assert require_empty("m", {**GPU, "memory": {"reserve_mib": 2000}})


@pytest.mark.parametrize("said", [("no devices were found\n", "", 6), ("0, 12\n", "", 0)])
def test_a_driver_that_does_not_answer_is_an_error_and_not_an_empty_card(fake_smi, said):
    fake_smi(*said)
    with pytest.raises(UserError, match="does not say what the card holds"):
        require_empty("m", GPU)


def test_a_card_without_memory_of_its_own_is_passed(fake_smi):
    fake_smi("0, X9, [N/A], [N/A]\n")
    assert require_empty("m", GPU)[0]["used_mib"] is None


def test_without_layers_on_a_card_or_without_the_program_nothing_is_asked(fake_smi, capsys):
    assert require_empty("m", GPU) is None
    assert "not known whether the card is empty" in capsys.readouterr().err
    fake_smi("", status=9)
    assert require_empty("m", {"parameters": {"gpu_layers": 0}}) is None
    assert require_empty("m", {"parameters": {"device": "cpu"}}) is None
    assert require_empty("m", {}) is None


def test_vllm_on_a_card_asks_for_an_empty_one_too(fake_smi):
    fake_smi("0, X9, 2000, 32000\n")
    with pytest.raises(UserError, match="not empty"):
        require_empty("m", {"parameters": {"device": "cuda"}})


def test_a_run_on_a_card_that_is_not_empty_starts_no_engine(fake_run, task, tmp_path, monkeypatch):
    run = fake_run([task(0, "slow one")], gpu_layers=1)
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "nvidia-smi").write_text("#!/bin/sh\necho 0, X9, 9000, 32000\n")
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    status, said = run.run()
    assert status == 2
    assert "the card is not empty" in said
    assert not (run.telemetry / "engine.log").exists()
