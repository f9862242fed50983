"""The names of the files in a job's folder, and their columns, for what writes them and what reads them."""

EARLIER = "scores.earlier.csv"  # of the job before this one in a folder
EARLIER_JOB = "earlier_job"  # a folder with all that it wrote, while one with other settings runs
MOVING = "earlier_job.moving"  # the same while it is filled or emptied
DISMISSED = "dismissed.txt"  # marks a job that is not done as no longer wanted
PATTERNS = (  # of all that a job writes
    "scores.csv", EARLIER, "baseline.csv", "selection.csv", "confusion.csv", "quality.csv", "curves.csv", "windows.npz",
    "checkpoint.ckpt", "run.json", "failed.json", "events.out.tfevents.*", "hparams.yaml", "csv/*",
)  # fmt: skip

TRIAL_COLUMNS = ["trial_accuracy", "trial_accuracy_oracle"]  # of whole trials
IDENTITY = ["dataset", "subject", "session", "fold", "modality", "model", "n_aug", "seed"]
COLUMNS = [*IDENTITY, "accuracy", "c", "accuracy_oracle", "c_oracle", "macro_f1", "n_train", "n_test", *TRIAL_COLUMNS]
SELECTION = ["accuracy_inner", "settings", "settings_oracle"]
FILES = {
    "scores": COLUMNS,
    "selection": [*IDENTITY, *SELECTION],
    "baseline": [*COLUMNS, *SELECTION],
    "confusion": [*IDENTITY, "label", "predicted", "count"],
    "quality": [*(name for name in IDENTITY if name not in ("n_aug", "seed")), "class", "metric", "value", "reference"],
}
