"""What other people and other sessions are worth: arms as rows, new and same film clips as columns; more donors."""

import pandas as pd

from emogan.analysis import statistics
from emogan.report.figures.accuracy import INTERVAL, against_counts
from emogan.report.figures.picture import Picture
from emogan.report.figures.style import donors_in_words, look
from emogan.report.sections import MODALITIES, Section, same_clips
from emogan.report.table import DASH, Table
from emogan.report.tables import difference, mean_sd, paired_differences

CLIPS = {"new": "new clips", "same": "same clips"}


def other_people(section: Section) -> Table | None:
    """Every arm's nested accuracy and gain, with and without the tested film clips in what it learned from.

    An arm is a model and whom it learned from. Where the section has a twin, which differs from it in
    evaluation.stimuli alone, the twin's models stand in the other columns. None where neither donors nor such a twin
    are there.
    """
    arms = _arms(section)
    if section.twin is not None:
        for place, clips in _arms(section.twin).items():
            arms.setdefault(place, {}).update(
                {kind: one for kind, one in clips.items() if kind not in arms.get(place, {})}
            )
    twofold = any(len(clips) > 1 for clips in arms.values())
    if not twofold and not any(donors for _, donors, _ in arms):
        return None
    rows = []
    for modality in section.modalities:
        here = [(donors, model) for where, donors, model in arms if where == modality]
        order = {model: i for i, model in enumerate(dict.fromkeys(model for _, model in here))}
        for donors, model in sorted(here, key=lambda arm: (arm[1] != "none", arm[0], order[arm[1]])):
            cells = [cell for kind in CLIPS for cell in arms[modality, donors, model].get(kind, (DASH, DASH))]
            learned_from = donors_in_words(donors) if donors else "own trials"
            rows.append((MODALITIES[modality], learned_from, look(model).label, *cells))
    note = (
        "Nested accuracy in percent, mean (sd) over experiments, and its paired difference to none in percentage "
        "points with bootstrap 95 % interval over subjects. New clips: nothing was learned from trials that show a "
        "film clip of the test trials. Same clips: the model or the classifier learned from such trials, so that a "
        "clip can be recognised by whatever people who watch it have in common. People with the same donors share "
        "generators: the intervals are over people, and neither over donors nor over trainings of a generator."
    )
    columns = (
        ("", "modality"), ("", "learned from"), ("", "model"),
        *((label, head) for label in CLIPS.values() for head in ("accuracy", "difference [95 %]")),
    )  # fmt: skip
    return Table("other-people", f"Other people and sessions: {section.label}", columns, tuple(rows), note, 3)


def _arms(section: Section) -> dict[tuple[str, str, str], dict[str, tuple[str, str]]]:
    """Accuracy and difference to none by modality, donors and model, and by kind of clips."""
    nested = statistics.describe(section.nested, by=statistics.MODEL).set_index(["modality", "model"])
    against, _ = paired_differences(section, ("none",))
    arms: dict = {}
    for modality in section.modalities:
        for name in section.models(modality):
            model, _, donors = name.partition("+")
            kind = _clips(section, name)
            if kind is not None:
                row = against.get((modality, "none", name))
                cells = mean_sd(nested.loc[modality, name]), DASH if row is None else difference(row)
                place = modality, donors.replace("_same_clips", ""), model
                arms.setdefault(place, {})[kind] = cells
    return arms


def _clips(section: Section, model: str) -> str | None:
    """Whether the clips that are tested were learned from: "new" or "same"; None where that is not known."""
    if "+" in model:
        return "same" if same_clips(model) else "new"
    seen = [(job.run.get("audit") or {}).get("test_windows_of_clips_that_occur_in_training") for job in section.jobs]
    # a job with donors counts theirs too, but some job has none of them
    return None if None in seen else "same" if min(seen) else "new"


def donor_curve(section: Section) -> Picture | None:
    """Nested accuracy against the number of other people that were learned from; None unless there are several."""
    people = {str(job.folder): job.run.get("donors", {}).get("people") for job in section.jobs}
    scores = section.scores.assign(people=section.scores.folder.map(people))
    learned = scores[scores.people.notna()]
    counted = learned.groupby(["modality", "model"]).people.nunique()
    several = list(counted.index[counted > 1])
    models = {m: [x for x in section.models(m) if (m, x) in several] for m in section.modalities}
    models = {modality: found for modality, found in models.items() if found and "none" in section.models(modality)}
    if not models:
        return None
    groups = {}
    for modality, names in models.items():
        here = scores[scores.modality == modality]
        none, others = here[here.model == "none"], here[here.model.isin(names)]
        groups[modality] = {n: pd.concat([none, group]) for n, group in others.groupby("people")}
    figure = against_counts(section, models, groups, "other people that were learned from")
    caption = f"Nested accuracy with more donors. Dashed: none. {INTERVAL}"
    return Picture("donor_curve", "More donors", caption, figure)
