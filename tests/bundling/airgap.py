"""Shows the air gap: a run from a bundle, in an empty network, equal to the ordinary run.

1. `make bundle` packs what the config needs (here, where there may be a network).
2. The trial gets the bundle and nothing else: an empty HOME, an empty cache, the checkout out of
   the bundle, a bare environment without pip's settings, in a network namespace that holds
   loopback alone. `make run … BUNDLE=` there is traced; nothing may try to get out.
3. The same run with the ordinary cache, in another folder: equal bytes outside telemetry/.
4. In the trial the run is published, and `make verify … BUNDLE=` scores its answers again.
5. Bundles with something wrong must stop the run, and name the file.

Before that a control of known attempts shows that the trace sees them. Needs strace and unshare.
Exit 0 if all of it holds, else 1.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tracing

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = "tests/bundling/airgap.yaml"
OTHER = "run: other\ntargets: [voluptuous]\nmodels: [oracle]\n"
EXPECTED_OF_CONTROL = {f"connect {tracing.NOWHERE}": 2, f"sendto {tracing.NOWHERE_6}": 2}


def say(text: str) -> None:
    print(f"airgap: {text}", flush=True)


class FailedError(Exception):
    """Something of what is to be shown did not hold."""


class Trial:
    """A folder with a HOME, a checkout out of the bundle, and nothing else."""

    def __init__(self, base: Path, bundle: Path, config: str) -> None:
        self.base, self.bundle, self.config = base, bundle, config
        self.checkout, self.home = base / "checkout", base / "home"
        self.cache = self.home / ".cache" / "assay"
        self.home.mkdir(parents=True)
        unpack(bundle, self.checkout)

    def make(self, *arguments: str, bundle: Path | None = None) -> list[str]:
        bare = ["env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", f"HOME={self.home}",
                "PIP_CONFIG_FILE=/dev/null", "LC_ALL=C.UTF-8", f"TMPDIR={self.base}"]  # fmt: skip
        make = ["make", "--no-print-directory", "-C", str(self.checkout), *arguments]
        return [*bare, *make, f"BUNDLE={bundle or self.bundle}", "CORES=1"]

    def run(self, *arguments: str, trace: Path, bundle: Path | None = None) -> tuple[int, str]:
        """Run make in the empty network under the trace; return exit code and what it said."""
        command = tracing.command(self.make(*arguments, bundle=bundle), trace)
        log = trace.with_suffix(".log")
        with log.open("w") as stream:
            code = subprocess.run(command, stdout=stream, stderr=stream).returncode
        return code, log.read_text(errors="replace")


def unpack(bundle: Path, folder: Path) -> None:
    """Unpack the checkout as docs/airgap.md says."""
    subprocess.run(["tar", "xf", bundle / "checkout.tar", "-C", folder], check=True)


def control(base: Path) -> None:
    """The trace must see three attempts, and a child's in a namespace of its own; no loopback."""
    trace = base / "control.trace"
    program = [sys.executable, "-c", tracing.CONTROL]
    subprocess.run(tracing.command(program, trace), capture_output=True, check=True)
    _, left = tracing.judge(trace)
    if dict(left) != EXPECTED_OF_CONTROL:
        raise FailedError(
            f"the trace does not see what it should: {dict(left)}, {EXPECTED_OF_CONTROL}"
        )
    say(f"control: the trace sees {left.total()} of {left.total()} known attempts, two of them "
        "by a child in a network namespace of its own")  # fmt: skip


def pack(base: Path, config: str) -> Path:
    command = ["make", "--no-print-directory", "bundle", f"CONFIG={config}", f"TO={base}/bundles"]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    (folder,) = (base / "bundles").iterdir()
    return folder


def run_from_bundle(trial: Trial) -> None:
    said = traced(trial, "run", f"CONFIG={trial.config}")
    for line in said.splitlines():
        if line.startswith(("bundle", "airgap: ", "environment ")):
            say(f"  {line}")
    size = sum(path.stat().st_size for path in trial.cache.rglob("*") if path.is_file())
    say(f"the trial's cache holds {size} bytes afterwards, its environment included")


def traced(trial: Trial, *arguments: str) -> str:
    """Run make from the bundle; it must succeed, and nothing may try to get out."""
    began, trace = time.monotonic(), trial.base / f"{arguments[0]}.trace"
    say(f"make {' '.join(arguments)} BUNDLE=… (its words: {trace.with_suffix('.log')})")
    code, said = trial.run(*arguments, trace=trace)
    if code:
        raise FailedError(f"it ended with exit code {code}:\n{said[-6000:]}")
    seen, left = tracing.judge(trace)
    for name, count in sorted(seen.items()):
        say(f"  traced: {count:6d} {name}")
    say(f"make {arguments[0]} from the bundle took {time.monotonic() - began:.0f} s under the "
        f"trace; connection attempts beyond loopback: {left.total()}")  # fmt: skip
    if left:
        raise FailedError(f"something tried to get out: {dict(left)} (see {trace})")
    return said


def verify_from_bundle(trial: Trial) -> None:
    """Publish the run there, and score its answers again there."""
    config = f"CONFIG={trial.config}"
    traced(trial, "publish", config)
    run = next((trial.checkout / "published").glob("*.tar"))
    said = traced(trial, "verify", f"AGAINST={run.relative_to(trial.checkout)}")
    say(f"  {said.strip().splitlines()[-1]}")


def linked(bundle: Path, folder: Path) -> Path:
    """A copy of the bundle whose files are links, so that one of them can be replaced."""
    shutil.copytree(bundle, folder, copy_function=os.link)
    return folder


def flip(path: Path) -> None:
    """Replace a file by one with a single bit flipped in its middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    path.write_bytes(data)


def refused(trial: Trial, what: str, named: str, *arguments: str, bundle: Path) -> None:
    """The run must stop, name the file, and say what to do."""
    trace = trial.base / "refused.trace"
    code, said = trial.run("run", *arguments, trace=trace, bundle=bundle)
    missing = [word for word in ("error: ", named, "hint: ") if word not in said]
    if code == 0 or missing or "Traceback" in said or tracing.judge(trace)[1]:
        raise FailedError(f"{what}: exit code {code}, not said: {missing}\n{said[-3000:]}")
    say(f"{what}: stopped, naming {named}")


def wrong_bundles(trial: Trial) -> None:
    """What is wrong before the set-up, in a trial with an empty cache of its own."""
    bundle, config = trial.bundle, f"CONFIG={trial.config}"
    fresh = Trial(trial.base / "wrong", bundle, trial.config)
    image = next((bundle / "images").iterdir()).relative_to(bundle)
    wheel = max((bundle / "wheels").glob("host-*/*.whl"), key=lambda p: p.name).relative_to(bundle)
    lost = linked(bundle, trial.base / "lost")
    (lost / image).unlink()
    refused(fresh, "a missing file", str(image), config, bundle=lost)
    torn = linked(bundle, trial.base / "torn")
    flip(torn / wheel)
    refused(fresh, "a flipped bit in a wheel", str(wheel), config, bundle=torn)
    with (fresh.checkout / "envs/host.txt").open("a") as lock:
        lock.write("# another lock\n")
    refused(fresh, "a bundle for another lock", "envs/host.txt", config, bundle=bundle)
    shutil.rmtree(fresh.base)
    # What is wrong after it: the trial is set up, its cache loses what the bundle has damaged.
    (weights,) = (bundle / "weights").iterdir()
    flip(torn / weights.relative_to(bundle))
    (trial.cache / weights.relative_to(bundle)).unlink()
    refused(trial, "a flipped bit in the weights", weights.name, config, bundle=torn)
    (trial.checkout / "other.yaml").write_text(OTHER)
    other = "config/targets/voluptuous.yaml"
    refused(trial, "a bundle for another config", other, "CONFIG=other.yaml", bundle=bundle)


def ordinary(base: Path, trial: Trial) -> Path:
    """The same run with the ordinary HOME, cache and network; return its results."""
    folder = base / "ordinary"
    unpack(trial.bundle, folder)
    began = time.monotonic()
    command = ["make", "--no-print-directory", "run", f"CONFIG={trial.config}", "CORES=1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise FailedError(f"the ordinary run failed:\n{(done.stdout + done.stderr)[-6000:]}")
    say(f"the ordinary run took {time.monotonic() - began:.0f} s")
    return folder / "results"


def compare(first: Path, second: Path) -> None:
    """Every file outside telemetry/ must be there twice, with equal bytes."""

    def held(results: Path) -> set[str]:
        (run,) = (path for path in results.iterdir() if path.is_dir() and path.name[0] not in ".p")
        names = (path.relative_to(results) for path in run.rglob("*") if path.is_file())
        return {name.as_posix() for name in names if name.parts[1] != "telemetry"}

    ours, theirs = held(first), held(second)
    same, other, lost = filecmp.cmpfiles(first, second, sorted(ours & theirs), shallow=False)
    if ours != theirs or other or lost or not same:
        raise FailedError(f"the results differ: {sorted(ours ^ theirs)} {other} {lost}")
    size = sum((first / name).stat().st_size for name in same)
    say(f"{len(same)} files with {size} bytes are equal to the ordinary run's")


def main(config: str, keep: bool) -> int:
    base = Path(tempfile.mkdtemp(prefix="assay-airgap-"))
    base.chmod(0o755)
    try:
        control(base)
        trial = Trial(base / "trial", pack(base, config), config)
        run_from_bundle(trial)
        compare(trial.checkout / "results", ordinary(base, trial))
        verify_from_bundle(trial)
        wrong_bundles(trial)
    except FailedError as failure:
        say(f"FAILED: {failure}")
        say(f"kept: {base}")
        return 1
    if keep:
        say(f"kept: {base}")
    else:
        shutil.rmtree(base)
    say("all of it holds")
    return 0


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--config", default=CONFIG, help="a config file of this checkout")
    command.add_argument("--keep", action="store_true", help="keep the folder of the trial")
    given = command.parse_args()
    missing = [name for name in ("strace", "unshare") if not shutil.which(name)]
    if missing:
        sys.exit(f"error: this needs {' and '.join(missing)} (Debian: strace, util-linux)")
    sys.exit(main(given.config, given.keep))
