"""What the cards did while a model answered, as a fake `nvidia-smi` (a script) tells it."""

from __future__ import annotations

import time

import pytest

from assay.engines._watch import FILE, summary, watched

GPU = {"parameters": {"gpu_layers": 99}}
LINES = (
    "0, NVIDIA X9, 0x0000000000000001, 345, 2619, 70.25, 31, 4, 0\n"
    "0, NVIDIA X9, 0x0000000000000000, 1980, 2619, 250.75, 40, 700, 93\n"
    "1, NVIDIA X9, 0x0000000000000004, [N/A], 2619, 71, 30, 4, 0\n"
)


def test_each_card_has_its_least_mean_and_most_and_what_held_it_down():
    first, second = summary(LINES + "0, NVIDIA X9, 0x00")  # the last line is torn
    assert (first["card"], first["samples"], first["held_down"]) == ("0, NVIDIA X9", 2, [])
    assert first["clocks.sm"] == [345, 1162.5, 1980]
    assert first["power.draw"] == [70.25, 160.5, 250.75]
    assert first["memory.used"] == [4, 352, 700]
    assert second["held_down"] == ["0x4"]
    assert second["clocks.sm"] is None
    assert summary("No devices were found\n") == []


@pytest.fixture
def fake_smi(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "nvidia-smi"
    script.write_text(f"#!/bin/sh\nprintf '%s' '{LINES}'\nexec /bin/sleep 600\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.usefixtures("fake_smi")
def test_the_cards_are_watched_until_the_model_has_answered_or_failed(tmp_path):
    kept = []

    def fail():
        with watched(GPU, tmp_path) as found:
            kept.append(found)
            deadline = time.monotonic() + 30
            while not (tmp_path / FILE).stat().st_size and time.monotonic() < deadline:
                time.sleep(0.01)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert kept == [summary(LINES)]
    assert not (tmp_path / FILE).exists()


@pytest.mark.usefixtures("fake_smi")
def test_a_model_without_a_card_has_nothing_watched(tmp_path):
    with watched({"parameters": {"gpu_layers": 0}}, tmp_path / "none") as found:
        pass
    assert found == []


def test_where_no_card_can_be_asked_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with watched(GPU, tmp_path / "none") as found:
        pass
    assert found == []


def test_what_the_cards_did_stands_beside_the_fingerprint(fake_run, task, tmp_path, monkeypatch):
    run = fake_run([task(0, "slow one")], gpu_layers=1)
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "nvidia-smi"
    script.write_text(
        "#!/bin/sh\n"
        f"case \"$1\" in *clocks.sm*) printf '%s' '{LINES}'; exec sleep 600;;\n"
        "*query-gpu*) echo 0, NVIDIA X9, 4, 81559;; esac\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    status, said = run.run()
    assert status == 0, said
    assert run.fingerprint()["measured"]["cards"] == summary(LINES)
    assert not (run.telemetry / FILE).exists()
