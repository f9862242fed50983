"""Messages in the words of a sampler's user: parameters of a class, and the labels that were given."""

from collections.abc import Sequence

from emogan.wording import Wording

SAMPLERS = {"trial_cbegan": "TrialCBEGANSampler", "noise": "NoiseSampler", "duplicate": "DuplicateSampler"}  # advised


class SamplerWording(Wording):
    """The words for one sampler.

    Parameters
    ----------
    sampler
        Name of its class.
    classes
        Labels by index.
    """

    nothing = "None"
    truth = "True or False"
    lists = False  # a grid search chooses, not the sampler

    def __init__(self, sampler: str, classes: Sequence = ()):
        self.sampler, self.classes = sampler, classes

    def model(self, name: str) -> str:
        return SAMPLERS.get(name, name)

    def setting(self, name: str, model: str | None = None) -> str:
        return f"{self.model(model) if model else self.sampler}({name}=...)"

    def label(self, index: int) -> str:
        return f"class {self.classes[index]!r}"
