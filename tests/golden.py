"""What EmoGAN computes, in miniature: digests of every versioned computation, and golden.json, which keeps them.

``python tests/golden.py`` writes the digests of computations that are new or whose version was raised.
"""

import hashlib
import inspect
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import mne
import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from emogan import augmenters, models
from emogan.analysis import quality
from emogan.augmenters import Control, GANAugmenter, Layout
from emogan.augmenters.selection import JUDGES
from emogan.data.alignment import ALIGNMENTS
from emogan.data.donors import Donors, Learned, Pools
from emogan.data.eye_names import EYE_FEATURES_33, EYE_FEATURES_41
from emogan.data.features import FeatureSet
from emogan.data.folds import SPLITTERS
from emogan.data.members import members, permute_labels, thin
from emogan.data.montage import EEG_FEATURES
from emogan.data.training_set import TrainingSet
from emogan.environment import quieten_lightning
from emogan.evaluation import protocol
from emogan.evaluation.classifiers import LinearSVM
from emogan.evaluation.plan import INNER, build
from emogan.models import ConditionalGenerator
from emogan.models.trial_start import low_rank_start
from emogan.recordings import experiment
from emogan.recordings.events_table import Row
from emogan.recordings.settings import Settings
from emogan.signal.eye import eye_features
from emogan.signal.eye_recording import EyeRecording
from emogan.simulation import people
from emogan.versions import AUGMENTERS, COMPUTATIONS

FILE = Path(__file__).with_suffix(".json")
COMMAND = "python tests/golden.py"
TOLERANCE = 1e-4  # of the root mean square: instruction sets of processors differ by 2e-6 at most
VERSIONS = COMPUTATIONS | AUGMENTERS
Arrays = Mapping[str, np.ndarray]


def _kinds(module, base: type) -> dict[str, type]:
    """The classes of a package that are some of a kind, but for their bases."""
    found = [getattr(module, name) for name in module.__all__]
    found = [one for one in found if isinstance(one, type) and issubclass(one, base) and one is not base]
    return {one.kind: one for one in found if one.kind}


GANS, CONTROLS = _kinds(models, ConditionalGenerator), _kinds(augmenters, Control)
LAYOUT = Layout(EEG_FEATURES[:50] + EYE_FEATURES_33[:3], {"eeg": slice(0, 50), "eye": slice(50, 53)})
EXTRACTIONS: tuple[dict, ...] = (
    {},
    {"de": "gaussian", "notch_hz": 50, "reference": "average", "smoothing": "lds_smoother", "bands": "seed"},
    {"features": "psd", "smoothing": "moving_average", "window_s": 1},
    {"smoothing": "lds_filter", "sfreq_hz": 125},
)


def windows(subjects: int = 2, sessions: int = 2, trials: int = 9, features: int = 53, length: int = 5) -> FeatureSet:
    """Windows whose classes overlap, in trials that differ, also in length."""
    random = np.random.default_rng(0)
    shape = subjects, sessions, trials, length
    subject, session, trial, _ = (index.ravel() for index in np.indices(shape))
    y = trial % 3
    x = random.normal(size=(3, features))[y] * 0.4 + random.normal(size=(len(y), features)) * np.linspace(
        0.5, 2, features
    )
    x += random.normal(size=(*shape[:3], features))[subject, session, trial] * 0.5
    names = LAYOUT.feature_names if features == 53 else tuple(f"f{i}" for i in range(features))
    kept = random.random(len(y)) > 0.2
    columns = (column[kept] for column in (x.astype(np.float32), y, trial + 1, session + 1, subject + 1))
    return FeatureSet(*columns, names, ("a", "b", "c"))


def training_sets(features: FeatureSet) -> list[TrainingSet]:
    """Two of different lengths."""
    return [TrainingSet.of(features, rows, rows) for rows in (np.arange(0, 45), np.arange(45, 80))]


def gan(kind: str) -> Arrays:
    """Windows and training metrics after ten iterations, and where trial_cbegan starts with very many features."""
    augmenter = GANAugmenter(GANS[kind], name=kind, iterations=10, batch_size=16, hidden=12, learning_rate=0.02)
    augmenter.fit(training_sets(windows()), [3, 4], classes=3)
    weights = torch.cat([weight.detach().ravel() for weight in augmenter.model.generator.parameters()])
    found = {
        "metrics": augmenter.history.values.numpy(), "weights": weights.numpy(), "windows": _sampled(augmenter),
    }  # fmt: skip
    if kind == "trial_cbegan":
        data = training_sets(windows(features=200))[0]
        start = low_rank_start(data.x, data.y, data.trial, 3, 1.0, kept=20)  # below, the signs of its axes cancel
        spread = (start.mixing @ start.colour) ** 2
        found |= {
            "centre": start.centre,
            "own": start.own,
            "spread": spread.sum(0),
            "trials": start.means @ start.colour,
        }
    return found


def _sampled(augmenter) -> np.ndarray:
    y = (torch.arange(24) % 3).expand(2, -1)
    return augmenter.sample(y, [torch.Generator().manual_seed(seed) for seed in (5, 6)]).numpy()


def learned(**settings) -> list[Learned]:
    """What is learned from in place of two training sets."""
    features, donors = windows(subjects=3), Donors(others=True, stimuli="any", **settings)
    pools = Pools(features, donors)
    return [
        pools.learned(data, donors.rows(features, data.rows, data.rows[:0], data.rows[:0]), data.rows)
        for data in training_sets(features)
    ]


def pools() -> Arrays:
    """Windows of donors in shared units by every alignment, and in the units of the target."""
    found = {}
    for alignment in ALIGNMENTS:
        for learn_from in ("donors", "both"):
            one = learned(alignment=alignment, learn_from=learn_from)[0]
            found[f"{alignment}_{learn_from}"] = np.concatenate([one.data.x, one.adapt(one.data.x)])
    return found


def control(kind: str) -> Arrays:
    """Windows of two members."""
    sets = training_sets(windows())
    if kind == "person_effects":
        sets = [one.data for one in learned(learn_from="both")]
    given = {"strength": 0.3, "k_neighbors": 3}
    taken = {name: value for name, value in given.items() if name in inspect.signature(CONTROLS[kind]).parameters}
    return {"windows": _sampled(CONTROLS[kind](name=kind, **taken).fit(sets, [3, 4], layout=LAYOUT))}


def selection() -> Arrays:
    """Windows that each judge holds best."""
    found = {}
    for judge in JUDGES:
        augmenter = GANAugmenter(GANS["cgan"], name="cgan", iterations=2, batch_size=16, hidden=12, selection=judge)
        found[judge] = _sampled(augmenter.fit(training_sets(windows()), [3, 4], classes=3))
    return found


def plan() -> Arrays:
    """Rows of every splitter's folds; of every plan of the paper's folds the fits, and the scaled windows."""
    features, found = windows(), {}
    for name in SPLITTERS:
        found[name] = np.concatenate([rows for one in members(features, name, 3) for rows in (one.train, one.test)])
    found["front_back_of_6"] = np.concatenate([one.train for one in members(windows(trials=6), "front_back")])
    splits = members(features, "paper")
    found["thin"] = np.concatenate([thin(features, one, 1, seed=0).train for one in splits])
    found["permuted"] = permute_labels(features, seed=0).y
    for inner in INNER:
        for fit_on in ("train", "all"):
            planned = build(features, splits, inner=inner, n_inner_folds=3, fit_on=fit_on)
            parts = [part for one in planned.fits for part in ([one.training_set], one.kept, one.predicted)]
            found[f"{inner}_{fit_on}_fits"] = np.concatenate(parts)
            found[f"{inner}_{fit_on}_shares"] = np.array([one.share for one in planned.fits])
            found[f"{inner}_{fit_on}_windows"] = np.concatenate([data.x.ravel() for data in planned.sets])
    return found


def predictions() -> Arrays:
    """Of the linear SVM for every fit of a plan, by libsvm and by interior points, and what is chosen by them."""
    features, found = windows(subjects=1), {}
    planned = build(features, members(features, "paper"), inner="refit", n_inner_folds=2, fit_on="train")
    random = np.random.default_rng(1)
    for name, most in (("libsvm", 100_000), ("interior_points", 1)):
        classifier, by_size = LinearSVM(name, [-6, 2], most), {0: {}, 20: {}}
        for i, one in enumerate(planned.fits):
            data, y = planned.sets[one.training_set], np.arange(20) % 3
            drawn = data.x[[np.flatnonzero(data.y == k)[0] for k in y]] + random.normal(size=(20, 53)) * 0.1
            whole = protocol.fit_data(data, one, features, protocol.Synthetic(drawn, y, np.arange(20)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # then interior points solve it
                (own,) = protocol.predict([whole], [(0, 20)], classifier)
            for n in by_size:
                by_size[n][i] = own[n]
        scores = [protocol.gather(i, planned, list(by_size.values()), features) for i in range(len(planned.splits))]
        pooled = protocol.pool(scores, planned.poolable)
        found[f"{name}_predictions"] = np.concatenate([one.predictions.ravel() for one in scores])
        found[f"{name}_chosen"] = np.array([*(one.chosen for one in scores + pooled), protocol.oracle_choice(scores)])
    return found


def qualities() -> Arrays:
    """Every measure of noisy copies, and its reference."""
    features = windows(subjects=1, sessions=1, trials=12, length=8)
    rows = np.arange(len(features.y))
    data = TrainingSet.of(features, rows, rows)
    random = np.random.default_rng(2)
    synthetic = data.x + 0.1 * random.normal(size=data.x.shape)
    table = quality.assess(data.x, data.y, data.trial, synthetic, data.y, features.class_names, random)
    return {name: own[["value", "reference"]].to_numpy() for name, own in table.groupby("metric")}


def simulation() -> Arrays:
    """One session of a person of each preset, or two where one lacks classes, and one of a longer session."""
    sessions = {"seed_vii": [2, 3]}
    found = {
        preset: people.load(preset, subjects=[2], sessions=sessions.get(preset, [3])).x for preset in people.PRESETS
    }
    longer = people.load("seed", modality="eye", subjects=[11], sessions=[4], simulation_seed=1, rounds=2).x
    return {name: np.arcsinh(x) for name, x in (found | {"longer": longer}).items()}  # features have many scales


def extraction() -> Arrays:
    """Features of simulated EEG of ten electrodes by several settings, and of simulated eye movements."""
    channels, random, found = (
        ("FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"),
        np.random.default_rng(3),
        {},
    )
    signal = 15 * random.normal(size=(10, 250 * 30)) + 10 * random.normal(size=250 * 30)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p1_raw.fif"
        mne.io.RawArray(signal * 1e-6, mne.create_info(list(channels), 250, "eeg"), verbose="error").save(
            path, verbose="error"
        )
        rows = [Row(i, path, 1, 1, i, i, start_s, start_s + 12.5) for i, start_s in ((1, 1.0), (2, 15.0))]
        for number, changed in enumerate(EXTRACTIONS):
            arrays = experiment.features(rows, Settings.of(_extraction_settings() | changed))
            found[f"eeg_{number}"] = np.arcsinh(arrays["x"])
    for statistics in ("window", "trial"):
        found[f"eye_{statistics}"] = np.arcsinh(
            eye_features(_eyes(), 2, 42, names=EYE_FEATURES_41, statistics=statistics)
        )
    return found


def _extraction_settings() -> dict:
    return {
        "channels": "found", "band_pass_hz": [1, 50], "sfreq_hz": 200, "notch_hz": None, "reference": "recorded",
        "blinks": "keep", "bad_channels": "leave_out", "bad_stretches": "leave_out", "features": "de", "de": "fft",
        "bands": "paper", "window_s": 4, "smoothing": "none", "moving_average_windows": 5, "lds_q": 1e-4, "lds_r": 1.0,
        "eye_features": 33, "eye_statistics": "trial",
    }  # fmt: skip


def _eyes() -> EyeRecording:
    random = np.random.default_rng(4)
    durations = np.stack([random.uniform(0.1, 0.7, 90), random.uniform(0.02, 0.08, 90)], axis=1)
    onsets = (durations.ravel().cumsum() - durations.ravel()).reshape(90, 2)
    return EyeRecording(
        time_s=np.arange(4500) / 100, pupil=14 + random.normal(size=(4500, 2)).cumsum(0) * 0.02,
        fixation_s=np.stack([onsets[:, 0], durations[:, 0]], 1), saccade_s=np.stack([onsets[:, 1], durations[:, 1]], 1),
        blink_s=np.array([[5.003, 0.2], [14.7, 0.1], [33.3, 0.3]]),
        dispersion=random.uniform(5, 60, (90, 2)), amplitude_deg=random.uniform(0.5, 20, 90),
    )  # fmt: skip


COMPUTE: dict[str, Callable[[], Arrays]] = {
    "plan": plan, "predictions": predictions, "quality": qualities, "extraction": extraction, "simulation": simulation,
    "selection": selection, "donors": pools,
    **{kind: lambda kind=kind: gan(kind) for kind in GANS},
    **{kind: lambda kind=kind: control(kind) for kind in CONTROLS},
}  # fmt: skip


def digest(arrays: Arrays) -> dict[str, str | list[float]]:
    """By name: of whole numbers a hash; of others their count, root mean square and three projections."""
    return {name: _hashed(x) if np.issubdtype(x.dtype, np.integer) else _projected(x) for name, x in arrays.items()}


def _hashed(x: np.ndarray) -> str:
    return hashlib.sha256(f"{x.shape}{x.astype(np.int64).tobytes()}".encode()).hexdigest()[:16]


def _projected(x: np.ndarray) -> list[float]:
    flat = np.nan_to_num(x.astype(np.float64).ravel(), nan=-1.0)
    directions = np.cos(np.outer([1.1, 1.7, 2.3], np.arange(len(flat))) + 0.5)  # no value weighs nothing in all of them
    numbers = [len(flat), np.sqrt(np.mean(flat**2)), *(directions @ flat / np.sqrt(len(flat)))]
    return [float(f"{number:.6g}") for number in numbers]


def changed(found: Mapping, expected: Mapping) -> list[str]:
    """Names of the arrays whose digests differ."""
    return [name for name in {**found, **expected} if not _equal(found.get(name), expected.get(name))]


def _equal(one: str | list[float] | None, other: str | list[float] | None) -> bool:
    if not isinstance(one, list) or not isinstance(other, list):
        return one == other
    return one[0] == other[0] and np.allclose(one, other, rtol=0, atol=TOLERANCE * max(one[1], 1e-12))


def verdict(name: str, golden: Mapping[str, Mapping]) -> str | None:
    """What to do if a computation and its digest in golden.json do not fit; None if they do."""
    place = "COMPUTATIONS" if name in COMPUTATIONS else "AUGMENTERS"
    expected = golden.get(name, {}).get(str(VERSIONS[name]))
    if expected is None:
        return f"golden.json has no digest of version {VERSIONS[name]} of {name}. Write it: {COMMAND}"
    if differing := changed(digest(COMPUTE[name]()), expected):
        return (
            f"version {VERSIONS[name]} of {name} gives other numbers than before ({', '.join(differing)}): results in "
            f"caches would be mixed up. If that is meant, raise emogan.versions.{place}[{name!r}] to "
            f"{VERSIONS[name] + 1} and write the new digest: {COMMAND}"
        )
    return None


def main() -> int:
    """Write the digests that golden.json lacks; 1 if a version must be raised first."""
    quieten_lightning()
    torch.set_num_threads(1)
    golden = json.loads(FILE.read_text()) if FILE.exists() else {}
    refused = 0
    for name, version in VERSIONS.items():
        if str(version) not in golden.get(name, {}):
            golden[name] = {str(version): digest(COMPUTE[name]())}
            print(f"{name}: wrote version {version}")
        elif message := verdict(name, golden):
            refused = 1
            print(message)
    kept = {name: golden[name] for name in VERSIONS}
    lines = [f" {json.dumps(name)}: {json.dumps(kept[name])}" for name in kept]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return refused


if __name__ == "__main__":
    sys.exit(main())
