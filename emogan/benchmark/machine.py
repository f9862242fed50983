"""What numbers were measured on."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

import torch

from emogan.environment import available_cores
from emogan.jobs.outputs import PACKAGES


def machine() -> dict:
    """Processor, system and versions."""
    return {
        "cpu": cpu(),
        "cores": available_cores(),
        "load_before": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "platform": platform.platform(),
        "versions": {"python": platform.python_version()} | {p: importlib.metadata.version(p) for p in PACKAGES},
    }


def cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def gpu(device: str) -> dict:
    """The graphics card "cuda" and what PyTorch was built for; no card of the device "cpu"."""
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda}
    if device == "cpu":
        return {"name": None, **versions}
    card = torch.cuda.get_device_properties(device)
    return {
        "name": torch.cuda.get_device_name(device), "memory_gb": round(card.total_memory / 2**30, 1),
        "multiprocessors": card.multi_processor_count, "compute_capability": f"{card.major}.{card.minor}", **versions,
    }  # fmt: skip


def driver() -> dict:
    """What NVIDIA's driver says of its version; None where there is none."""
    if not (program := shutil.which("nvidia-smi")):
        return {"version": None}
    asked = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    return {"version": subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()}
