"""python -m emogan.benchmark.gpu: whether EmoGAN is right on a GPU, and how fast, in at most eight minutes.

    make bench-gpu                        on a machine with an NVIDIA GPU
    make bench-gpu ARGS='--device cpu'    a rehearsal without one: the same steps, smaller, in about three minutes

Any Python that has PyTorch for CUDA, Lightning and EmoGAN's other requirements runs it in a checkout as it stands. What
such a Python lacks, Hydra as a rule, may lie in a folder of its own, which is made where there is a network:

    python3 -m pip install --no-deps --target site hydra-core omegaconf 'antlr4-python3-runtime==4.9.*'
    PYTHONPATH=site python3 -m emogan.benchmark.gpu

Steps stand in the order of their importance; each, and each of its parts, runs on its own. The results are written
whenever there is one more. The exit code is 1 if a step has failed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from emogan.atomic import write_atomically
from emogan.benchmark import gpu_checks, gpu_measures
from emogan.benchmark.gpu_sizes import GPU, REHEARSAL
from emogan.benchmark.sections import end_on_sigterm
from emogan.benchmark.steps import Step, run

STEPS = (
    Step("machine", gpu_checks.machine_parts, 5),
    Step("draws", gpu_checks.draws, 10),
    Step("job", gpu_checks.jobs, 40),
    Step("gans", gpu_checks.gans, 20),
    Step("resumption", gpu_checks.resumption, 25),
    Step("memory", gpu_checks.memory, 25),
    Step("synchronisations", gpu_checks.synchronisations, 10),
    Step("stacked", gpu_measures.stacked, 70, check=False),
    Step("alone", gpu_measures.alone, 20, check=False),
    Step("on_cpu", gpu_measures.on_cpu, 30, check=False),
    Step("busy", gpu_measures.busy, 30, check=False),
    Step("table1", gpu_measures.table1, 40, check=False),
    Step("precision", gpu_measures.precision, 60, check=False),
    Step("drawing", gpu_measures.drawing, 10, check=False),
    Step("large", gpu_measures.large, 40, check=False),
)
WHAT = {
    "cuda": "checks and measurements on a GPU",
    "cpu": "a rehearsal on the CPU with smaller sizes: all steps run, and no number here is a GPU's",
}


def main(arguments: Sequence[str] | None = None, steps: Sequence[Step] = STEPS) -> int:
    """Run the steps; 1 if one has failed, else 0."""
    options = parse(arguments, steps)
    sizes = GPU if options.device == "gpu" else REHEARSAL
    chosen = [step for step in steps if step.name in options.only]
    print(WHAT[sizes.device], flush=True)

    def write(found: dict[str, dict]) -> None:
        content = {
            "what": WHAT[sizes.device], "budget_s": options.budget_s, "sizes": vars(sizes), "failed": failed(found),
            "ratios": ratios(found), "steps": found,
        }  # fmt: skip
        write_atomically(options.out, json.dumps(content, indent=1).encode())

    found = run(chosen, sizes, options.budget_s, write)
    print(f"\nfailed: {', '.join(failed(found)) or 'none'}\nwritten to {options.out}")
    return int(bool(failed(found)))


def failed(found: dict[str, dict]) -> list[str]:
    return [name for name, one in found.items() if one["status"] == "failed"]


def parse(arguments: Sequence[str] | None, steps: Sequence[Step]) -> argparse.Namespace:
    """The options; a GPU is asked for where there is one."""
    names = [step.name for step in steps]
    parser = argparse.ArgumentParser(
        prog="python -m emogan.benchmark.gpu", description="Check and measure EmoGAN on a GPU."
    )
    parser.add_argument("--device", choices=["gpu", "cpu"], default="gpu", help="cpu: a rehearsal, with smaller sizes")
    parser.add_argument("--out", type=Path, default=Path("outputs/benchmark_gpu.json"), metavar="FILE")
    parser.add_argument(
        "--budget-s", type=float, default=480.0, help="seconds in all: what would exceed them is left out"
    )
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="STEP", help=" ".join(names))
    options = parser.parse_args(arguments)
    if options.device == "gpu" and not torch.cuda.is_available():
        parser.error("--device: torch finds no GPU with CUDA here. A rehearsal runs without one: --device cpu")
    return options


def ratios(found: dict[str, dict]) -> dict[str, float]:
    """GAN-steps per second of groups, over those of one GAN at a time on the device and over those of the CPU."""

    def medians(step: str) -> dict[str, float]:
        parts = found.get(step, {}).get("parts", {})
        return {name: one["gan_steps_per_s"]["median"] for name, one in parts.items() if "gan_steps_per_s" in one}

    groups = medians("stacked") | medians("large")
    return {
        f"{name}_vs_{other}": rate / slower[case]
        for other, slower in (("alone", medians("alone")), ("cpu", medians("on_cpu")))
        for name, rate in groups.items()
        if (case := name.rpartition("_m")[0]) in slower
    }


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main())
