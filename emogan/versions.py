"""The versions of what EmoGAN computes and of the files that it writes. They stand in cache keys and in files.

A result is taken from the cache wherever its key is found, so a key must change whenever the same settings and data
would give other numbers. Whoever changes numbers raises the version that stands for them in the same commit: a version
of `COMPUTATIONS` or `AUGMENTERS`, or everything at once by `CACHE`. ``tests/test_versions.py`` compares the numbers
with those of the last version, and fails until it is raised. A setting whose default changes needs no new version
where the setting itself stands in the key.
"""

CACHE = 3  # Raise it when entries of the cache are laid out anew, or when nothing that is cached may be used again.
CHECKPOINT = 2  # Raise it when an earlier EmoGAN could not read the checkpoint.ckpt that a job writes now.
SAMPLER = 3  # Raise it when an earlier EmoGAN could not read the file that `emogan.samplers.files.save` writes now.

# Raise the version of a computation when, with the same settings and data, its results change as the comment says:
COMPUTATIONS = {
    "plan": 3,  # other folds, inner folds, training sets, scaled windows or fits of the classifier
    "donors": 2,  # other windows of donors, or others in the units of the target
    "predictions": 1,  # other predictions of a classifier
    "quality": 1,  # other measures of sample quality
    "extraction": 3,  # other features of the same recordings
    "simulation": 1,  # other simulated features; their own fingerprint stands in the keys
    "selection": 3,  # others among the candidates that a GAN offers for each synthetic window
}

# Raise one of these when a generator or a control of this kind gives other windows; all generators' when their batches
# change.
AUGMENTERS = {
    "cbegan": 2,
    "cgan": 2,
    "cwgan": 2,
    "trial_cbegan": 2,
    "cvae": 2,
    "diffusion": 2,
    "recurrent_cbegan": 2,
    "recurrent_cwgan": 2,
    "autoregressive": 1,
    "donor_windows": 1,
    "duplicate": 1,
    "gaussian": 1,
    "mixup": 1,
    "noise": 1,
    "person_effects": 1,
    "random_effects": 1,
    "recombination": 1,
    "rotation": 1,
    "smote": 1,
    "trial_bootstrap": 1,
}


def revision(name: str) -> dict[str, int]:
    """What the version of an augmenter's kind, or of selection, adds to keys: nothing at version 1."""
    version = (COMPUTATIONS | AUGMENTERS).get(name, 1)
    return {f"version of {name}": version} if version > 1 else {}


def class_revision(cls: type) -> dict[str, int]:
    """As `revision`, of a generator's or a control's class; of a user's own, of all EmoGAN's that it derives from."""
    if cls.kind in AUGMENTERS:
        return revision(cls.kind)
    return {name: version for base in cls.__mro__ for name, version in revision(vars(base).get("kind", "")).items()}
