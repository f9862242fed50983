"""kill -9 at random moments of a sweep: nothing is lost, nothing stands twice, the scores are those undisturbed."""

import os
import random
import signal
import time

import pytest

from emogan.store import Store

SWEEP = [
    "model=cbegan,cwgan", "n_aug=50,200", "model.iterations=60", "model.hidden=20", "model.batch_size=16",
    "machine.group_size=5", "machine.checkpoint_s=0.05", "hydra.sweep.dir=outputs/sweep",
]  # fmt: skip


def scores(folder) -> dict:
    """By job: its scores, also while they are set aside until it is known whether they are still its own."""
    return {str(path.parent.relative_to(folder)): path.read_bytes() for path in folder.rglob("scores*.csv")}


def run_and_time(command, folder, small) -> float:
    start = time.monotonic()
    sweep = command(folder, "-m", *small, *SWEEP)
    assert sweep.exit_code() == 0, sweep.said
    return time.monotonic() - start


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_fifty_kills_at_random_moments_change_no_byte(command, small, tmp_path, workers):
    whole = run_and_time(command, tmp_path / "whole", small)  # in a single process
    small = [*small, f"machine.workers={workers}"]
    undisturbed = run_and_time(command, tmp_path / "undisturbed", small) if workers > 1 else whole
    random.seed(0)
    done: dict[str, bytes] = {}
    for kill in range(50):
        sweep = command(tmp_path / "killed", "-m", *small, *SWEEP)
        time.sleep(random.uniform(0, undisturbed / 4))
        os.kill(sweep.pid, signal.SIGKILL)
        sweep.exit_code()
        store, found = tmp_path / "killed/outputs/store", scores(tmp_path / "killed")
        for path in store.glob("*.safetensors"):
            assert Store(store).load(path.stem), f"after kill {kill + 1}"
        assert done.items() <= found.items(), f"scores were lost by kill {kill + 1}"
        done = found
    run_and_time(command, tmp_path / "killed", small)
    assert scores(tmp_path / "killed") == scores(tmp_path / "whole")
    assert not list(tmp_path.rglob("scores.earlier.csv"))
    assert len(done) <= 4
    for kind in ("*.safetensors", "predictions/*.safetensors"):
        keys = [{p.name for p in (tmp_path / which / "outputs/store").glob(kind)} for which in ("whole", "killed")]
        assert keys[0] == keys[1]
    assert not list((tmp_path / "killed/outputs/store/checkpoints").glob("*.safetensors"))
    assert not [path for path in (tmp_path / "killed").rglob("*unusable*")]


@pytest.mark.slow
def test_a_sweep_that_was_killed_and_typed_again_trains_no_gan_twice(command, small, tmp_path):
    run_and_time(command, tmp_path / "whole", small)
    store = tmp_path / "killed/outputs/store"
    sweep = command(tmp_path / "killed", "-m", *small, *SWEEP)
    sweep.wait_until(lambda _: any(store.glob("*.safetensors")))
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.exit_code()
    trained = {path: path.stat().st_mtime_ns for path in store.glob("*.safetensors")}
    run_and_time(command, tmp_path / "killed", small)
    assert {path: path.stat().st_mtime_ns for path in trained} == trained, "what is trained again is written again"
    names = [
        {path.name for path in folder.glob("*.safetensors")} for folder in (store, tmp_path / "whole/outputs/store")
    ]
    assert names[0] == names[1]
    assert len(trained) < len(names[1])
