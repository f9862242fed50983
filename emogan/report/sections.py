"""Sections of the report: jobs that may stand in one table, grouped by data set and evaluation settings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from emogan.analysis import statistics
from emogan.report.figures.style import in_order
from emogan.sweeps.collect import Job

MODALITIES = {"eeg": "EEG", "eye": "Eye movements", "eeg_eye": "EEG and eye movements"}


@dataclass(frozen=True, eq=False)
class Section:
    """Jobs of one data set and one way of evaluation.

    All tables use ``scores``, those of the largest training sets; ``jobs`` are the ones behind them. ``all_scores``
    has the learning curve's smaller training sets too.
    """

    title: str
    dataset: str
    warnings: tuple[str, ...]  # what must stand beside every number: SIMULATED, PERMUTED LABELS, ...
    jobs: tuple[Job, ...]
    other_jobs: tuple[Job, ...]  # with fewer training trials per class
    twin: "Section | None" = None  # the section that differs from this one in evaluation.stimuli alone

    @cached_property
    def scored(self) -> tuple[Job, ...]:
        """The jobs, and what they scored without synthetic windows where no job of model=none did."""
        return (*self.jobs, *_baselines(self.jobs))

    @cached_property
    def scores(self) -> pd.DataFrame:
        return pd.concat([job.scores for job in self.scored], ignore_index=True)

    @cached_property
    def all_scores(self) -> pd.DataFrame:
        jobs = (*self.scored, *self.other_jobs, *_baselines(self.other_jobs))
        return pd.concat([job.scores for job in jobs], ignore_index=True)

    @cached_property
    def nested(self) -> pd.DataFrame:
        """Rows of scores at the honest choice of n_aug and settings, see `statistics.choose_n_aug`."""
        return statistics.choose_n_aug(self.scores)

    @cached_property
    def oracle(self) -> pd.DataFrame:
        return statistics.oracle_n_aug(self.scores)

    @cached_property
    def subjects(self) -> pd.Series:
        """How many subjects each model was scored on, by modality and model."""
        return self.nested.groupby(["modality", "model"]).subject.nunique()

    @property
    def label(self) -> str:
        """The title with its warnings in front, as figures and tables carry it."""
        return " · ".join([*self.warnings, self.title])

    @property
    def folds(self) -> str:
        return self.jobs[0].run["evaluation"]["folds"]

    @property
    def permuted(self) -> bool:
        return bool(self.jobs[0].run["evaluation"]["permute_labels"])

    @property
    def simulated(self) -> bool:
        return self.dataset.startswith("synthetic_")

    @cached_property
    def modalities(self) -> list[str]:
        present = set(self.scores.modality)
        return [name for name in MODALITIES if name in present]

    def models(self, modality: str, *kinds: str) -> list[str]:
        """Models scored on a modality, in the report's order; only some kinds (none, control, gan) if given."""
        present = in_order(self.scores.model[self.scores.modality == modality].unique(), self.kind)
        return [name for name in present if not kinds or self.kind(name) in kinds]

    def kind(self, model: str) -> str:
        """none, gan (whatever the GANs' augmenter ran) or control (all else)."""
        if model == "none":
            return "none"
        return "gan" if any(job.model == model and "gan" in job.run["augmenter"] for job in self.jobs) else "control"

    def findings(self, modality: str, model: str) -> list[dict[str, float]]:
        """What detectors found in each GAN of a model, once if two jobs have taken the same one from the store."""
        members = {
            member["key"]: member["findings"]
            for job in self.jobs if (job.modality, job.model) == (modality, model)
            for member in job.run.get("members", []) if member["findings"] is not None
        }  # fmt: skip
        return list(members.values())

    def newest(self, modality: str, model: str) -> Job | None:
        """The job of a model that finished last."""
        jobs = [job for job in self.jobs if (job.modality, job.model) == (modality, model)]
        return max(jobs, key=lambda job: job.finished, default=None)

    def best_control(self, modality: str) -> str | None:
        """The control with the highest mean nested accuracy: for choosing what a figure shows, not for inference.

        Controls that learned from trials with the tested film clips are not among them.
        """
        means = statistics.describe(self.nested, by=statistics.MODEL).set_index(["modality", "model"])["mean"]
        controls = [model for model in self.models(modality, "control") if not same_clips(model)]
        return max(controls, key=lambda model: means[modality, model], default=None)

    def shown(self, modality: str) -> list[str]:
        """Models that figures with a panel per model show: all GANs and the best control."""
        best = self.best_control(modality)
        return ([best] if best else []) + self.models(modality, "gan")


def same_clips(model: str) -> bool:
    """Whether a model learned from donors who may show the film clips that are tested, by its name in the scores."""
    return "_same_clips" in model


def sections(jobs: Sequence[Job]) -> list[Section]:
    """Group jobs: real data first, permuted labels last, each in the order of their titles."""
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        groups.setdefault(json.dumps(job.evaluation, sort_keys=True), []).append(job)
    found = _with_twins(_told_apart([_section(group) for group in groups.values()]))
    return sorted(found, key=lambda one: (one.permuted, one.simulated, one.title))


def _baselines(jobs: Sequence[Job]) -> list[Job]:
    """What jobs scored at n_aug = 0, as jobs of ``none``, for training sets that no job of model=none scored."""
    keys = ["modality", *statistics.TRAINING_SET, "seed", "trials_per_class"]
    seen = {
        place for job in jobs if job.model == "none" for place in job.scores[keys].itertuples(index=False, name=None)
    }
    found = []
    for job in jobs:
        own = job.scores[job.scores.n_aug == 0]
        scores = own if len(own) else job.baseline
        places = list(scores[keys].itertuples(index=False, name=None))
        scores = scores[[place not in seen for place in places]]
        if len(scores):
            seen |= set(places)
            confusion = job.confusion[job.confusion.n_aug == 0]
            none = {"model": "none"}
            found.append(
                replace(
                    job,
                    scores=scores.assign(**none),
                    confusion=confusion.assign(**none),
                    quality=job.quality[:0],
                    baseline=job.baseline[:0],
                )
            )
    return found


def _section(jobs: Sequence[Job]) -> Section:
    sizes = {job.trials_per_class for job in jobs}
    largest = None if None in sizes else max(sizes)
    main = tuple(job for job in jobs if job.trials_per_class == largest)
    first, warnings = main[0], []
    if first.dataset.startswith("synthetic_"):
        warnings.append("SIMULATED")
    if first.run["evaluation"]["permute_labels"]:
        warnings.append("PERMUTED LABELS")
    if first.run["scaling"]["fit_on"] != "train":
        warnings.append("LEAKS: scaled with test windows")
    elif any(str((job.run.get("audit") or {}).get("verdict", "")).startswith("LEAKS") for job in main):
        warnings.append("LEAKS: test windows occur in training")
    settings = first.evaluation
    title = [first.dataset, f"folds={settings['evaluation.folds']}", str(first.run["classifier"])]
    title += [f"inner={settings['evaluation.inner']}"]
    if settings.get("evaluation.choice", "own") != "own":
        title.append(f"choice={settings['evaluation.choice']}")
    if largest is not None:
        title.append(f"{largest} training trials per class")
    rest = tuple(job for job in jobs if job.trials_per_class != largest)
    return Section(", ".join(title), first.dataset, tuple(warnings), main, rest)


def _with_twins(found: list[Section]) -> list[Section]:
    def other_settings(section: Section) -> dict:
        return {name: value for name, value in section.jobs[0].evaluation.items() if name != "evaluation.stimuli"}

    settings = [other_settings(section) for section in found]
    twins = [
        next((found[j] for j, others in enumerate(settings) if j != i and others == own), None)
        for i, own in enumerate(settings)
    ]
    return [replace(section, twin=twin) for section, twin in zip(found, twins, strict=True)]


def _told_apart(found: list[Section]) -> list[Section]:
    """Add to equal titles the settings that tell the sections apart."""
    named = []
    for section in found:
        twins = [one.jobs[0].evaluation for one in found if one.label == section.label]
        own = section.jobs[0].evaluation
        differing = [name for name in own if any(twin.get(name) != own[name] for twin in twins)]
        extra = "".join(f", {name.removeprefix('evaluation.')}={own[name]}" for name in differing)
        named.append(replace(section, title=section.title + extra))
    return named
