"""python -m emogan.check data=NAME data.root=DIR: what a data set on disk has, and where it is not as published."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import hydra
import numpy as np
from omegaconf import DictConfig, OmegaConf

import emogan
from emogan import command_line
from emogan.data.experiments import NotThere, as_list
from emogan.data.features import FeatureSet, check_loaded
from emogan.data.folds import SPLITTERS
from emogan.data.members import members
from emogan.data.named import call
from emogan.data.published import PUBLISHED, Published, differences
from emogan.environment import config_dir
from emogan.keys import check_keys

OWN = ("emogan.data.table.load", "emogan.recordings.load.load")  # loaders of a user's own files
PLACES = ("root", "path", "recordings")  # the settings of loaders that say where the data are
REQUEST = """
If these are the files as the data set's authors give them out, EmoGAN should read them. Please open an issue in the
tracker of the EmoGAN project with this sentence, in which your folder is called DATA:

   {}"""


class Messages(logging.Handler):
    """What loaders log, by level."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.texts: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        texts = self.texts.setdefault(record.levelno, [])
        if (text := record.getMessage()) not in texts:
            texts.append(text)


@contextmanager
def listening() -> Iterator[Messages]:
    """Collect EmoGAN's log messages in the with block, instead of showing them."""
    logger, messages = logging.getLogger("emogan"), Messages()
    level, propagates = logger.level, logger.propagate
    logger.addHandler(messages)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield messages
    finally:
        logger.removeHandler(messages)
        logger.setLevel(level)
        logger.propagate = propagates


def check(data: Mapping, modality: str = "eeg_eye") -> tuple[str, bool]:
    """Load a data set as a job would and compare it with its published format.

    Parameters
    ----------
    data
        Its settings: a loader's name as ``_target_``, and the loader's arguments.
    modality
        "eeg", "eye" or "eeg_eye".

    Returns
    -------
    report : str
    fits : bool
        Whether it could be loaded and nothing is missing or different from what was published.
    """
    try:
        known = PUBLISHED.get(data["_target_"])
        published = known(data) if known else None
    except (KeyError, TypeError, ZeroDivisionError):  # of an impossible value, which the loader refuses by name
        published = None
    with listening() as messages:
        features, wrong = _load(data, modality, published)
    lines = [] if features is None else [features.summary(), _clips(features), *_folds(features)]
    if features is not None and (mixed := features.mixed_trials()):
        lines.append(f"note: {mixed}")
    lines += [f"note: {text}" for level in (logging.INFO, logging.WARNING) for text in messages.texts.get(level, [])]
    lines += messages.texts.get(logging.DEBUG, [])
    if wrong:
        lines += [
            "missing or different from what is expected:",
            *(f"- {text}" for text in wrong),
            *_sentence(data, wrong),
        ]
    elif published is None:
        lines.append("it can be loaded; there is no published format to compare it with")
    else:
        lines.append("all that was asked for is there, as published")
    return "\n".join(lines), not wrong


def _load(data: Mapping, modality: str, published: Published | None) -> tuple[FeatureSet | None, list[str]]:
    """The data that can be loaded, and a message for each error. If loading fails, each person is loaded alone."""
    asked, sessions = (as_list(data.get(name)) for name in ("subjects", "sessions"))
    people = asked if asked is not None else published.people_with(modality) if published else []
    try:
        features = call(data)
        check_loaded(features, modality)
        return features, differences(features, published, people, sessions) if published else []
    except (FileNotFoundError, ImportError) as error:
        return None, [str(error)]
    except (ValueError, OSError) as error:
        wrong = [str(error)]
    readable, damaged = [], []
    for person in people if published else []:
        try:
            call({**data, "subjects": [person]})
            readable.append(person)
        except NotThere:  # which `differences` will tell of all of them at once
            continue
        except (ValueError, OSError) as error:
            damaged.append(person)
            wrong.append(str(error))
    wrong, expected = list(dict.fromkeys(wrong)), [person for person in people if person not in damaged]
    try:
        features = call({**data, "subjects": readable}) if readable else None
    except (ValueError, OSError):  # one person's files do not go with another's, as `wrong` says
        features = None
    return features, wrong + (differences(features, published, expected, sessions) if features else [])


def _clips(features: FeatureSet) -> str:
    if features.stimulus is None:
        return "film clips: not known, so that evaluation.stimuli=unseen cannot be used"
    people = [set(features.stimulus[features.subject == person]) for person in np.unique(features.subject)]
    shared = f", of which all people watched {len(set.intersection(*people))}" if len(people) > 1 else ""
    return f"film clips: {len(set.union(*people))}{shared}"


def _folds(features: FeatureSet) -> Iterator[str]:
    """How many training sets each kind of folds gives, and of which kinds there are none."""
    most = min(
        len(np.unique(features.trial[rows][features.y[rows] == k]))
        for *_, rows in features.experiments()
        for k in range(features.n_classes)
    )
    possible, impossible = [], []
    for name in SPLITTERS:
        n_folds = max(min(most, 5), 2)
        option = f"with evaluation.n_folds={n_folds}, at most {most}: " if name == "trials" else ""
        try:
            possible.append(f"{name} ({option}{len(members(features, name, n_folds))} training sets)")
        except ValueError:
            impossible.append(name)
    yield f"evaluation.folds: {', '.join(possible) or 'none'}"
    if impossible:
        yield f"evaluation.folds that these trials do not allow: {', '.join(impossible)}"


def _sentence(data: Mapping, wrong: Sequence[str]) -> Iterator[str]:
    """What to send to the developers, if there are files of a published data set at the place that was named."""
    if data.get("_target_") in OWN:
        return
    places = [path for name in PLACES if isinstance(data.get(name), str) and (path := command_line.path(data[name]))]
    if any(path.exists() for path in places):
        text = f"emogan.check of EmoGAN {emogan.__version__}, {data['_target_']}: {'; '.join(wrong)}"
        for path in places:
            text = text.replace(str(path.resolve()), "DATA").replace(str(path.absolute()), "DATA")
        yield REQUEST.format(text)


def run(cfg: DictConfig) -> int:
    """Print the report; 0 if all fits, else 1."""
    with command_line.plain_errors():
        check_keys(cfg, "check")
        data = OmegaConf.to_container(cfg.data, resolve=True)
        report, fits = check(data, cfg.modality)
    print(report)
    return int(not fits)


@hydra.main(version_base="1.3", config_path=config_dir(), config_name="check")
def main(cfg: DictConfig) -> None:
    if code := run(cfg):
        sys.exit(code)


if __name__ == "__main__":
    command_line.run(main, explained="check")
