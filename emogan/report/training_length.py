"""GANs that were trained for several lengths: their jobs, curves and gains, and the table of these."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from emogan.analysis.curves import MEASURE_EVERY, MEASURES, PARTS
from emogan.analysis.statistics import MODEL, TRAINING_SET, Paired, paired, subject_means
from emogan.report.convergence_rule import LENGTH_RULE, long_enough
from emogan.report.figures.accuracy import CHOICES
from emogan.report.figures.style import look
from emogan.report.figures.training import read_curves
from emogan.report.sections import MODALITIES, Section
from emogan.report.table import DASH, Table, number, with_interval
from emogan.sweeps.collect import Job

LOOKED = (
    "Spread: root mean square distance of a class's windows from their mean, of the class whose windows vary least. "
    "Separation: that of the class means from their mean. Error: that of the class means from the real ones, over that "
    "of the real ones from their mean; at 1 it is as large as what tells the classes apart."
)


@dataclass(frozen=True, eq=False)
class Series:
    """Jobs of one GAN, in one setting and on one modality, that differ in the training length."""

    modality: str
    model: str
    label: str  # the model, and the settings that tell this series from the others of the model
    number: int  # of the setting, among those of the model
    jobs: dict[int, list[Job]]  # by training length in updates of the generator, in ascending order
    baseline: pd.DataFrame  # scores without augmentation, of any model of the modality
    n_aug: int | None  # the largest that all jobs of the section's series appended, if there is one

    @cached_property
    def longest(self) -> pd.DataFrame:
        """`pooled_curves` of the jobs with the most updates."""
        return pooled_curves(self.jobs[max(self.jobs)])

    @cached_property
    def measurements(self) -> pd.DataFrame:
        """Mean over GANs of each of `MEASURES` (columns) at the last one of each length (index); NaN without one."""
        last = {}
        for length, jobs in self.jobs.items():
            curves = self.longest if length == max(self.jobs) else pooled_curves(jobs)
            last[length] = curves["mean"].groupby("metric").last()
        return pd.DataFrame(last, dtype=float).T.reindex(columns=MEASURES)

    @property
    def long_enough(self) -> int | None:
        """Updates from which on the class means become no better, see `LENGTH_RULE`."""
        if "mean_error" not in self.longest.index.unique("metric"):
            return None
        error = self.longest.loc["mean_error"]["mean"]
        number = long_enough(error.to_numpy())
        return number and int(error.index[number - 1])

    @cached_property
    def gains(self) -> dict[tuple[int, bool, str], Paired]:
        """Accuracy less that without augmentation, by length, whether n_aug is chosen (or `n_aug`), and column.

        There is none where no training set was scored without augmentation.
        """
        found = {}
        for length, jobs in self.jobs.items() if self.n_aug else ():
            scores = pd.concat([job.scores for job in jobs], ignore_index=True)
            for column, (_, choose) in CHOICES.items():
                for chosen in (False, True):
                    own = choose(scores if chosen else scores[scores.n_aug == self.n_aug])
                    found[length, chosen, column] = _gain(own, self.baseline, column)
        return {place: gain for place, gain in found.items() if gain}


def _gain(scores: pd.DataFrame, baseline: pd.DataFrame, column: str) -> Paired | None:
    """Subject by subject, over the training sets that both have; None if there are none."""
    both = [
        subject_means(own.merge(other[[*TRAINING_SET]].drop_duplicates()), column, MODEL).set_index("subject")[column]
        for own, other in ((scores, baseline), (baseline, scores))
    ]
    return paired(both[0], both[1][both[0].index]) if len(both[0]) else None


def training_series(section: Section) -> list[Series]:
    """All series of a section, in the report's order; none where every GAN was trained for one length alone."""
    groups: dict[tuple[str, str, str], dict[int, list[Job]]] = {}
    for job in section.jobs:
        settings = dict(job.run["augmenter"])
        length = settings.pop("iterations", None)
        if "gan" in settings and length is not None:
            place = job.modality, job.model, json.dumps(settings, sort_keys=True)
            groups.setdefault(place, {}).setdefault(length, []).append(job)
    groups = {place: jobs for place, jobs in groups.items() if len(jobs) > 1}
    every = [job for jobs in groups.values() for same in jobs.values() for job in same]
    common = set.intersection(*(set(job.scores.n_aug) for job in every)) - {0} if every else set()
    plain = section.scores[section.scores.n_aug == 0].drop_duplicates(["modality", *TRAINING_SET, "seed"])
    plain = plain.assign(model="none")
    found = []
    for modality in section.modalities:
        for model in section.models(modality, "gan"):
            labels = _labels(model, [settings for _, name, settings in groups if name == model])
            found += [
                Series(
                    modality, model, label, i, dict(sorted(groups[modality, model, settings].items())),
                    plain[plain.modality == modality], max(common, default=None),
                )
                for i, (settings, label) in enumerate(labels.items())
                if (modality, model, settings) in groups
            ]  # fmt: skip
    return found


def _labels(model: str, settings: Sequence[str]) -> dict[str, str]:
    """The model with those of its settings (given as JSON) that differ among them, by settings and in their order."""
    every = {text: json.loads(text) for text in settings}
    names = dict.fromkeys(name for own in every.values() for name in own)
    differing = [name for name in names if len({json.dumps(own.get(name)) for own in every.values()}) > 1]
    values = {text: {name: own.get(name) for name in differing} for text, own in every.items()}

    def order(text: str) -> list[tuple]:
        return [(0, v, "") if isinstance(v, int | float) else (1, 0, str(v)) for v in values[text].values()]

    return {
        text: ", ".join([look(model).label, *(
            f"{name.replace('_', ' ')} {value}" for name, value in values[text].items() if value is not None
        )])
        for text in sorted(values, key=order)
    }  # fmt: skip


def pooled_curves(jobs: Sequence[Job]) -> pd.DataFrame:
    """Mean, lowest and highest (columns) over the GANs of several jobs, by metric and iteration (index).

    Jobs that left no readable ``curves.csv`` do not count; the frame is empty if none did.
    """
    frames = []
    for job in jobs:
        try:
            frames.append(read_curves(job).assign(gans=max(len(job.run.get("members", [])), 1)))
        except ValueError:
            continue
    if not frames:
        return pd.DataFrame(columns=PARTS, index=pd.MultiIndex.from_arrays([[], []], names=["metric", "iteration"]))
    frame = pd.concat(frames)
    frame["mean"] *= frame.gans
    reductions = {"mean": "sum", "lowest": "min", "highest": "max", "gans": "sum"}
    pooled = frame.groupby(["metric", "iteration"]).agg(reductions)
    return pooled[PARTS].assign(mean=pooled["mean"] / pooled.gans)


def training_length_table(section: Section, series: Sequence[Series]) -> Table | None:
    """A row per series and length: what its windows are like in the end, and what they gain; None without series."""
    if not series:
        return None
    n_aug = series[0].n_aug
    gained = list(CHOICES) if n_aug else []
    rows = []
    for one in series:
        for length, jobs in one.jobs.items():
            gains = [one.gains.get((length, False, column)) for column in gained]
            rows.append((
                MODALITIES[one.modality], one.label, f"{length:,}",
                *(number(value) for value in one.measurements.loc[length]),
                *(with_interval(row) if row else DASH for row in gains),
                str(pd.concat([job.scores for job in jobs]).subject.nunique()),
            ))  # fmt: skip
    found = {f"{MODALITIES[one.modality]}, {one.label}": one.long_enough for one in series}
    enough = "; ".join(f"{name} {f'{update:,}' if update else 'not known'}" for name, update in found.items())
    note = (
        f"Of synthetic relative to real training windows, at the last multiple of {MEASURE_EVERY} updates. {LOOKED} "
        f"Long enough is {LENGTH_RULE} That is: {enough}."
    )
    if n_aug:
        note += (
            f" Gain: accuracy with {n_aug} synthetic windows, not chosen, less that without, in percentage points; "
            "mean over subjects with bootstrap 95 % interval, which is far too narrow below six subjects. Nested: "
            "classifier parameter chosen on training trials. Oracle: on the test trials, with and without augmentation."
        )
    columns = (
        ("", "modality"), ("", "model"), ("", "updates"), ("synthetic / real", "spread"),
        ("synthetic / real", "separation"), ("synthetic / real", "error"),
        *((f"gain, n_aug={n_aug}", CHOICES[column][0].partition(" (")[0]) for column in gained), ("", "subjects"),
    )  # fmt: skip
    return Table("training_lengths", f"Training length: {section.label}", columns, tuple(rows), note, 3)
