"""Tables of what jobs say of themselves: sample quality, trouble with GANs, versions and device; jobs not counted."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from emogan.analysis.quality import METRICS
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section
from emogan.report.table import DASH, Table, number
from emogan.sweeps.collect import Job, Problem
from emogan.training.detectors import DETECTORS, span
from emogan.wording import words

PROSE = ("seen", "what to try")
REFERENCE = "real windows of other trials"


def quality_table(section: Section) -> Table | None:
    """Models x metrics, as distances from real against real, which stands above; None where none was measured."""
    frames = [job.quality for job in section.jobs if len(job.quality)]
    if not frames:
        return None
    frame = pd.concat(frames, ignore_index=True)
    values = frame.groupby(["modality", "model", "metric"]).value.mean()
    references = frame.groupby(["modality", "metric"]).reference.mean()
    metrics = [name for name in METRICS if name in references.index.get_level_values("metric")]
    rows = []
    for modality in section.modalities:
        reference = [references.get((modality, metric), np.nan) for metric in metrics]
        rows.append((MODALITIES[modality], REFERENCE, *(number(value) for value in reference)))
        for model in section.models(modality, "control", "gan"):
            own = [values.get((modality, model, metric), np.nan) for metric in metrics]
            distances = (number(value - real, "+") for value, real in zip(own, reference, strict=True))
            rows.append((MODALITIES[modality], look(model).label, *distances))
    note = (
        "Means over classes and training sets, in scaled units ([0, 1] on the training windows). "
        f"{REFERENCE.capitalize()}: each measure between real windows of different training trials, which is what new "
        "real trials would reach. Models: their synthetic windows' value minus it, so that 0 is best; a value better "
        "than the reference is no merit, since windows then lie closer to the trials that the model was fitted to than "
        "new trials do. Two-sample AUC: how well a classifier distinguishes synthetic from real windows of trials that "
        "it has not seen, 0.5 if not at all. Below 0.5, the differences found in some trials are reversed in others, "
        "which is no better than 0.5. The chapter on quality of EmoGAN's documentation explains the other measures."
    )
    columns = (("", "modality"), ("", "model"), *(("", METRICS[metric].title) for metric in metrics))
    return Table("quality", f"Quality of synthetic windows: {section.label}", columns, tuple(rows), note, 2)


def findings_table(section: Section) -> Table | None:
    """One row per GAN model and kind of trouble: in how many GANs, what was seen, what to try; None without GANs."""
    rows = []
    for modality in section.modalities:
        for model in section.models(modality, "gan"):
            found = section.findings(modality, model)
            place = MODALITIES[modality], look(model).label
            found_here = [(*place, *row) for row in _findings(found)]
            rows += found_here or ([(*place, "none", f"0 of {len(found)}", DASH, DASH)] if found else [])
    if not rows:
        return None
    note = (
        "GANs of the training sets that the tables above are about. Seen: lowest to highest over the GANs in which it "
        "was found, after training, with the same noise for all."
    )
    columns = tuple(("", head) for head in ("modality", "model", "finding", "GANs", "seen", "what to try"))
    return Table("findings", f"Trouble with GANs: {section.label}", columns, tuple(rows), note, 3, PROSE)


def _findings(found: Collection[dict[str, float]]) -> list[tuple[str, ...]]:
    rows = []
    for one in DETECTORS:
        values = [kinds[one.kind] for kinds in found if one.kind in kinds]
        if values:
            count = f"{len(values)} of {len(found)}"
            rows.append((one.kind, count, one.seen.format(span(values)), one.advice(words())))
    return rows


def run_table(section: Section, root: Path) -> Table:
    """One row per job: where it ran, how long, on which data, with what verdict of the leakage audit."""
    jobs = sorted((*section.jobs, *section.other_jobs), key=lambda job: str(job.folder))
    versions = list(dict.fromkeys(_versions(job) for job in jobs))
    rows = []
    for job in jobs:
        audit = job.run.get("audit") or {}
        rows.append((
            below(job.folder, root), job.modality, look(job.model).label,
            "all" if job.trials_per_class is None else str(job.trials_per_class),
            f"{job.run.get('device', DASH)} × {job.run.get('threads', DASH)}",
            f"{sum(job.run.get('seconds', {}).values()):.0f}", job.fingerprint[:10], str(audit.get("verdict", DASH)),
            str(versions.index(_versions(job)) + 1),
        ))  # fmt: skip
    heads = "folder, modality, model, trials per class, device × threads, seconds, data, leakage audit, versions"
    columns = tuple(("", head) for head in heads.split(", "))
    listed = "; ".join(f"({i}) {text}" for i, text in enumerate(versions, 1))
    summaries = " · ".join(dict.fromkeys(str(job.run["data"].get("summary", "")) for job in jobs))
    note = f"Data: {summaries}. Their fingerprint is shortened. Versions: {listed}."
    return Table("runs", f"Jobs: {section.label}", columns, tuple(rows), note, 3, ("leakage audit",))


def problem_table(problems: Iterable[Problem], root: Path) -> Table | None:
    """Failed, unfinished, missing, unreadable, superseded and dismissed jobs; None if there are none."""
    rows = [(problem.kind, below(Path(problem.where), root), problem.what) for problem in problems]
    if not rows:
        return None
    note = (
        "Missing: a combination of a sweep without a job folder. Unfinished: neither scores nor a failure yet. "
        "Superseded: rows that stand in a job finished later. Dismissed: not done, and no longer wanted."
    )
    columns = (("", "what"), ("", "where"), ("", "why"))
    return Table("problems", "Not counted in any table", columns, tuple(rows), note, 3)


def _versions(job: Job) -> str:
    return ", ".join(f"{name} {version}" for name, version in job.run.get("versions", {}).items())


def below(folder: Path, root: Path) -> str:
    """A folder as it is named beside ``root``; in full where they lie on several drives."""
    return os.path.relpath(folder, root) if folder.drive == root.drive else str(folder)
