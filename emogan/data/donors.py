"""Donors: other people's experiments, or the same person's other sessions, that a generator learns from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from emogan.checks import Checked, one_of
from emogan.data.alignment import ALIGNMENTS, Affine, Alignment
from emogan.data.features import FeatureSet
from emogan.data.folds import Stimuli, need_stimuli
from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import TrainingSet

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

    Raises
    ------
    ValueError
        If a setting is impossible.
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
    ):
        self.others, self.own_sessions, self.subjects, self.sessions = others, own_sessions, subjects, sessions
        self.stimuli, self.alignment, self.transductive, self.learn_from = stimuli, alignment, transductive, learn_from

    def __bool__(self) -> bool:
        return self.others or self.own_sessions

    def identity(self) -> dict:
        """All settings, as plain values."""
        return dict(vars(self))

    @property
    def label(self) -> str:
        """What the scores call a model that learns from these donors, behind its own name."""
        label = "+".join(
            name for name, chosen in (("others", self.others), ("own_sessions", self.own_sessions)) if chosen
        )
        return label + ("_same_clips" if self.stimuli == "any" else "") + ("+own" if self.learn_from == "both" else "")

    def widened(self, subjects: Which, sessions: Which) -> dict[str, Which]:
        """The ``data.subjects`` and ``data.sessions`` to load for targets that these name: theirs and the donors'."""
        if self.others:
            subjects = None if None in (subjects, self.subjects) else list(dict.fromkeys([*subjects, *self.subjects]))
        if self.sessions is not None:
            sessions = None if sessions is None else list(dict.fromkeys([*sessions, *self.sessions]))
        elif self.own_sessions:
            sessions = None
        return {"subjects": subjects, "sessions": sessions}

    def rows(self, features: FeatureSet, own: np.ndarray, held_out: np.ndarray) -> np.ndarray:
        """The donors' windows, rising, for a training set of windows ``own`` from which others are held out.

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
        if self.stimuli == "unseen":
            need_stimuli(features, "donors.stimuli=unseen")
            chosen &= ~np.isin(features.stimulus, features.stimulus[held_out])
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
        The donors' windows, aligned and scaled to [0, 1].
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
        self._aligned: dict[bytes, np.ndarray] = {}
        self._known: dict[bytes, TrainingSet] = {}

    def learned(self, data: TrainingSet, donor_rows: np.ndarray, aligned_by: np.ndarray) -> Learned:
        """What is learned from in place of a training set; its alignment is fitted to ``aligned_by`` of the target."""
        x = self.features.x
        alignment = self.kind.fit(x[aligned_by])
        if self.donors.learn_from == "both":
            rows = np.concatenate([donor_rows, data.rows])
            z = np.concatenate([self.aligned(donor_rows), alignment.transform(x[data.rows])])
            return Learned(self._set(rows, z), aligned_by, alignment, data.scaler)
        return Learned(self.pool(donor_rows), aligned_by, alignment, data.scaler)

    def pool(self, rows: np.ndarray) -> TrainingSet:
        """Windows of several donors, `aligned` and then scaled together."""
        key = rows.tobytes()
        if key not in self._known:
            self._known[key] = self._set(rows, self.aligned(rows))
        return self._known[key]

    def aligned(self, rows: np.ndarray) -> np.ndarray:
        """Windows (n, F) of several donors, each aligned by its own windows among them."""
        aligned = np.empty((len(rows), self.features.x.shape[1]), dtype=np.float32)
        experiment = self.features.experiment_ids()[rows]
        for one in np.unique(experiment):
            own = rows[experiment == one]
            key = own.tobytes()
            if key not in self._aligned:
                x = self.features.x[own]
                self._aligned[key] = self.kind.fit(x).transform(x).astype(np.float32)
            aligned[experiment == one] = self._aligned[key]
        return aligned

    def _set(self, rows: np.ndarray, z: np.ndarray) -> TrainingSet:
        features, scaler = self.features, MinMaxScaler.fit(z)
        trial = np.unique(features.trial_ids()[rows], return_inverse=True)[1]
        return TrainingSet(rows, rows, scaler, scaler.transform(z).astype(np.float32), features.y[rows], trial)


def among_targets(features: FeatureSet, subjects: Which, sessions: Which) -> np.ndarray:
    """Indices of the windows of the experiments that ``data.subjects`` and ``data.sessions`` name."""
    return np.flatnonzero(among(features.subject, subjects) & among(features.session, sessions))


def among(column: np.ndarray, wanted: Which) -> np.ndarray:
    """Whether each identifier is one of those wanted, compared as text as tables are; None wants all."""
    if wanted is None:
        return np.ones(len(column), dtype=bool)
    wanted = [wanted] if isinstance(wanted, int | str) else wanted
    return np.isin(column.astype(str), [str(one) for one in wanted])
