"""Donors: other people's experiments, or the same person's other sessions, that a generator learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np

from emogan.checks import BelowOne, Checked, one_of
from emogan.data.alignment import ALIGNMENTS, Affine, Alignment
from emogan.data.features import FeatureSet
from emogan.data.members import Stimuli, need_stimuli
from emogan.data.scaling import MinMaxScaler
from emogan.data.table_files import listed
from emogan.data.training_set import FineTuning, TrainingSet
from emogan.wording import some

Which = Sequence[int | str] | None


class Donors(Checked):
    """Which experiments a generator learns from in place of a training set, and how they are made comparable.

    The target is the experiment that is classified. Of its donors no window is taken that shows a film clip which the
    target is tested or validated on (``stimuli="unseen"``), and an alignment is fitted to the windows that are taken
    alone.

    Parameters
    ----------
    others
        Whether other people's experiments are donors.
    own_sessions
        Whether the same person's other sessions are.
    subjects
        Who the others may be; None takes all other people of the data set.
    sessions
        Which sessions are taken. None takes of others the session with the target's number, and all other sessions of
        the same person.
    stimuli
        "unseen" takes no window of a clip that is held out from the target's training set; "any" takes all.
    alignment
        "z_score", "min_max", "covariance" or "none", see `emogan.data.alignment`; per person and session.
    transductive
        Whether the target's alignment is fitted to its held-out windows as well, without their labels. They must then
        be at hand before anything is classified.
    learn_from
        "donors", or "both" to learn from the target's own training windows too.
    fine_tuning
        Share of the iterations, the last ones, that train on the target's own training windows alone, after the others
        have trained on the donors'; 0 for none.

    Raises
    ------
    ValueError
        If a setting is impossible, or generators are to be fine-tuned on windows that they learn from anyway.
    """

    _group = "donors"

    def __init__(
        self,
        *,
        others: bool = False,
        own_sessions: bool = False,
        subjects: Which = None,
        sessions: Which = None,
        stimuli: Stimuli = "unseen",
        alignment: Annotated[str, one_of(ALIGNMENTS)] = "z_score",
        transductive: bool = False,
        learn_from: Literal["donors", "both"] = "donors",
        fine_tuning: BelowOne = 0,
    ):
        if fine_tuning and learn_from == "both":
            raise ValueError(
                "donors.learn_from: expected donors with donors.fine_tuning, which ends on the target's own windows "
                "alone, got both. Choose one of the two"
            )
        self.others, self.own_sessions, self.subjects, self.sessions = others, own_sessions, subjects, sessions
        self.stimuli, self.alignment, self.transductive, self.learn_from = stimuli, alignment, transductive, learn_from
        self.fine_tuning = fine_tuning

    def __bool__(self) -> bool:
        return self.others or self.own_sessions

    def identity(self) -> dict:
        """All settings, as plain values; fine_tuning if there is any, so that others are those of earlier versions."""
        return {name: value for name, value in vars(self).items() if name != "fine_tuning" or value}

    @property
    def label(self) -> str:
        """What the scores call a model that learns from these donors, behind its own name."""
        label = "+".join(
            name for name, chosen in (("others", self.others), ("own_sessions", self.own_sessions)) if chosen
        )
        label += "_same_clips" if self.stimuli == "any" else ""
        return label + ("+own" if self.learn_from == "both" else "") + ("+fine_tuned" if self.fine_tuning else "")

    def widened(self, subjects: Which, sessions: Which) -> dict[str, Which]:
        """The ``data.subjects`` and ``data.sessions`` to load for targets that these name: theirs and the donors'."""
        if self.others:
            subjects = None if None in (subjects, self.subjects) else list(dict.fromkeys([*subjects, *self.subjects]))
        if self.sessions is not None:
            sessions = None if sessions is None else list(dict.fromkeys([*sessions, *self.sessions]))
        elif self.own_sessions:
            sessions = None
        return {"subjects": subjects, "sessions": sessions}

    def check_named(self, features: FeatureSet, subjects: Which, sessions: Which) -> None:
        """Refuse targets and donors that were not loaded; targets are those of ``data.subjects`` and ``data.sessions``.

        Raises
        ------
        ValueError
            With the setting, and what there is.
        """
        asked = {"data.subjects": subjects, "data.sessions": sessions, "donors.sessions": self.sessions}
        check_named(features, asked | ({"donors.subjects": self.subjects} if self.others else {}))

    def held_out_clips(
        self, features: FeatureSet, own: np.ndarray, tested: np.ndarray, validated: np.ndarray
    ) -> np.ndarray:
        """The film clips that donors of a training set of windows ``own`` must not show.

        They are those that its member is tested on, and those that it is validated on unless it trains on these itself:
        where a class has a single training clip, halves of it validate one another.
        """
        if self.stimuli == "any":
            return np.array([], dtype=np.int64)
        need_stimuli(features, "donors.stimuli=unseen")
        shown = features.stimulus
        return np.union1d(shown[tested], np.setdiff1d(shown[validated], shown[own]))

    def rows(self, features: FeatureSet, own: np.ndarray, tested: np.ndarray, validated: np.ndarray) -> np.ndarray:
        """The donors' windows, rising, for a training set of windows ``own``.

        Parameters
        ----------
        own, tested, validated
            Indices of the windows of the training set, of those that its member is tested on, and of those that the
            set itself predicts.

        Raises
        ------
        ValueError
            If there are none of some class, or the clips are not known but needed.
        """
        subject, session = features.subject[own[0]], features.session[own[0]]
        same_person, same_session = features.subject == subject, features.session == session
        chosen = np.zeros(len(features.y), dtype=bool)
        if self.others:
            chosen |= ~same_person & among(features.subject, self.subjects)
            chosen &= same_session if self.sessions is None else among(features.session, self.sessions)
        if self.own_sessions:
            chosen |= same_person & ~same_session & among(features.session, self.sessions)
        clips = self.held_out_clips(features, own, tested, validated)
        if len(clips):
            chosen &= ~np.isin(features.stimulus, clips)
        rows = np.flatnonzero(chosen)
        present = np.unique(features.y[rows])
        if len(present) < features.n_classes:
            lacking = ", ".join(name for k, name in enumerate(features.class_names) if k not in present)
            raise ValueError(
                f"donors: expected windows of every class for subject {subject}, session {session}, got {len(rows)} "
                f"windows and none of {lacking}. Add people of the data set with donors.subjects, or sessions with "
                "donors.sessions; donors.stimuli=any takes windows of the same film clips too"
            )
        return rows


@dataclass(frozen=True, eq=False)
class Learned:
    """What a generator learns from in place of a training set, and the way from there into the set's scaled units.

    Parameters
    ----------
    data
        The donors' windows, and behind them the target's own if these are learned from, aligned and scaled to [0, 1].
    aligned_by
        Windows of the target that its alignment was fitted to.
    alignment
        Of the target.
    target
        The scaling of the training set.
    """

    data: TrainingSet
    aligned_by: np.ndarray
    alignment: Alignment
    target: MinMaxScaler

    @property
    def scaler(self) -> MinMaxScaler | None:
        """What takes windows as the generator draws them into the target's units; None if that is no scaling."""
        if not isinstance(self.alignment, Affine):
            return None
        pool, scale = self.data.scaler, self.alignment.scale
        constant = np.isinf(pool.span) | (scale == 0)
        span = np.where(constant, np.inf, np.where(constant, 1, pool.span) * scale)
        return MinMaxScaler(self.alignment.inverse(pool.minimum), span)

    def adapt(self, windows: np.ndarray) -> np.ndarray:
        """Windows (n, F) as the generator draws them, in the scaled units of the training set."""
        aligned = self.data.scaler.inverse(windows.astype(np.float64))
        return self.target.transform(self.alignment.inverse(aligned)).astype(np.float32)


class PooledSet(TrainingSet):
    """Windows of many donors, scaled when they are looked at: many training sets index the same unscaled ones.

    Parameters
    ----------
    windows
        All windows there are (N, F), float32, each less the mean of its experiment, so that no digit is lost.
    rows, y, trial
        Which of them the set consists of, their labels and trials (n,).
    group
        The experiment (n,) of each, as a row of ``scale`` and ``shift``.
    scale, shift
        What takes windows of each experiment to the shared units, scaled to [0, 1]: (E, F), float32.
    scaler
        From shared units to [0, 1].
    target
        The group of the target's own windows, if there are any among them.
    fine_tuning
        See `TrainingSet`.
    """

    def __init__(self, windows, rows, y, trial, group, scale, shift, scaler, target=None, fine_tuning=None):
        own = {
            "windows": windows, "rows": rows, "scaled_by": rows, "y": y, "trial": trial, "group": group, "scale": scale,
            "shift": shift, "scaler": scaler, "target": target, "fine_tuning": fine_tuning,
        }  # fmt: skip
        for name, value in own.items():
            object.__setattr__(self, name, value)

    @property
    def features(self) -> int:
        return self.windows.shape[1]

    @property
    def x(self) -> np.ndarray:
        """Scaled windows (n, F), computed anew each time."""
        x = self.windows[self.rows]
        x *= self.scale[self.group]
        x += self.shift[self.group]
        return x


class Pools:
    """The donors' windows of many training sets; those of equal donors are one object.

    Parameters
    ----------
    features
        All windows, those of targets and donors.
    donors
        Which of them are taken.
    """

    def __init__(self, features: FeatureSet, donors: Donors):
        self.features, self.donors = features, donors
        self.kind = ALIGNMENTS[donors.alignment]
        self.experiment = features.experiment_ids()
        self._known: dict[bytes, TrainingSet] = {}

    def learned(self, data: TrainingSet, donor_rows: np.ndarray, aligned_by: np.ndarray) -> Learned:
        """What is learned from in place of a training set; its alignment is fitted to ``aligned_by`` of the target."""
        alignment = self.kind.fit(self.features.x[aligned_by])
        if self.donors.learn_from == "both" or self.donors.fine_tuning:
            own, share = int(self.experiment[data.rows[0]]), self.donors.fine_tuning
            fine_tuning = FineTuning(len(donor_rows), share) if share else None
            pool = self._pool(np.concatenate([donor_rows, data.rows]), {own: alignment}, fine_tuning)
            return Learned(pool, aligned_by, alignment, data.scaler)
        return Learned(self.pool(donor_rows), aligned_by, alignment, data.scaler)

    def pool(self, rows: np.ndarray) -> TrainingSet:
        """Windows of several donors, each aligned by its own windows among them, and then scaled together."""
        key = rows.tobytes()
        if key not in self._known:
            self._known[key] = self._pool(rows, {})
        return self._known[key]

    def aligned(self, rows: np.ndarray) -> np.ndarray:
        """Windows (n, F) of several experiments in the shared units, each aligned by its own windows among them."""
        aligned = np.empty((len(rows), self.features.x.shape[1]), dtype=np.float32)
        experiment = self.experiment[rows]
        for one in np.unique(experiment):
            x = self.features.x[rows[experiment == one]]
            aligned[experiment == one] = self.kind.fit(x).transform(x)
        return aligned

    def _pool(
        self, rows: np.ndarray, known: Mapping[int, Alignment], fine_tuning: FineTuning | None = None
    ) -> TrainingSet:
        """Windows of several experiments, each aligned by its own windows among them unless its alignment is known."""
        features = self.features
        trial = np.unique(features.trial_ids()[rows], return_inverse=True)[1]
        experiments, group = np.unique(self.experiment[rows], return_inverse=True)
        parts = [rows[group == i] for i in range(len(experiments))]
        alignments = [
            known.get(int(one)) or self.kind.fit(features.x[part]) for one, part in zip(experiments, parts, strict=True)
        ]
        if isinstance(alignments[0], Affine):
            target = next((i for i, one in enumerate(experiments) if int(one) in known), None)
            return self._indexed(rows, trial, group, parts, alignments, target, fine_tuning)
        z = np.empty((len(rows), features.x.shape[1]), dtype=np.float32)
        for i, (part, alignment) in enumerate(zip(parts, alignments, strict=True)):
            z[group == i] = alignment.transform(features.x[part])
        scaler = MinMaxScaler.fit(z)
        return TrainingSet(rows, rows, scaler, scaler.transform(z), features.y[rows], trial, fine_tuning)

    def _indexed(
        self, rows, trial, group, parts, alignments: Sequence[Affine], target: int | None,
        fine_tuning: FineTuning | None,
    ) -> PooledSet:  # fmt: skip
        scale = np.stack([np.where(one.scale > 0, 1 / np.where(one.scale > 0, one.scale, 1), 0) for one in alignments])
        means = np.stack([self._means[self.experiment[part[0]]] for part in parts])
        shift = (means - np.stack([one.centre for one in alignments])) * scale
        edges = [np.stack([pick(self._centred[part], axis=0) for part in parts]) for pick in (np.min, np.max)]
        scaler = MinMaxScaler.fit(np.concatenate([edge * scale + shift for edge in edges]).astype(np.float32))
        return PooledSet(
            self._centred, rows, self.features.y[rows], trial, group, (scale / scaler.span).astype(np.float32),
            ((shift - scaler.minimum) / scaler.span).astype(np.float32), scaler, target, fine_tuning,
        )  # fmt: skip

    @cached_property
    def _means(self) -> np.ndarray:
        """Of all windows of each experiment, (E, F)."""
        x, count = self.features.x, self.experiment.max() + 1
        return np.stack([x[self.experiment == i].mean(0, dtype=np.float64) for i in range(count)])

    @cached_property
    def _centred(self) -> np.ndarray:
        return (self.features.x - self._means[self.experiment]).astype(np.float32)


def check_named(features: FeatureSet, asked: Mapping[str, Which]) -> None:
    """Refuse people and sessions that were not loaded.

    Parameters
    ----------
    features
        What was loaded.
    asked
        The subjects or sessions that settings name, by setting, as "donors.subjects".

    Raises
    ------
    ValueError
        With the setting, and what there is.
    """
    for setting, wanted in asked.items():
        column = features.session if setting.endswith("sessions") else features.subject
        there = list(dict.fromkeys(column.astype(str).tolist()))
        if missing := [one for one in listed(wanted) if one not in there]:
            raise ValueError(
                f"{setting}: expected some of {some(there)}, which were loaded, got {', '.join(missing)}. "
                f"data.{setting.split('.')[1]} and donors.{setting.split('.')[1]} say what is loaded"
            )


def among_targets(features: FeatureSet, subjects: Which, sessions: Which) -> np.ndarray:
    """Indices of the windows of the experiments that ``data.subjects`` and ``data.sessions`` name."""
    return np.flatnonzero(among(features.subject, subjects) & among(features.session, sessions))


def among(column: np.ndarray, wanted: Which) -> np.ndarray:
    """Whether each identifier is one of those wanted, compared as text as tables are; None wants all."""
    if wanted is None:
        return np.ones(len(column), dtype=bool)
    return np.isin(column.astype(str), listed(wanted))
