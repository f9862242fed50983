"""Half-trained groups of GANs, saved beside the store's records and found again by any of their members."""

from collections.abc import Sequence

from emogan.augmenters.half_trained import HalfTrained
from emogan.store import Store, content_key


class Saves:
    """What groups of GANs, by the keys of their records, have learned before they are done."""

    def __init__(self, store: Store):
        self.store, self.saved = store, Store(store.folder / "half_trained")

    def save(self, keys: Sequence[str], state: HalfTrained) -> None:
        """Write a group's state, in place of its earlier one."""
        fields = {
            "keys": list(keys), "iteration": state.iteration, "stopped": state.stopped, "plateaued": state.plateaued
        }  # fmt: skip
        self.saved.save(_name(keys), state.tensors, fields)

    def sources(self) -> dict[str, str]:
        """By key: the save in which a GAN has been trained furthest."""
        found: dict[str, tuple[int, str]] = {}
        for name, fields in self.saved.describe():
            for key in fields["keys"]:
                found[key] = max(found.get(key, (0, "")), (fields["iteration"], name))
        return {key: name for key, (_, name) in found.items()}

    def load(self, source: str | None, keys: Sequence[str]) -> HalfTrained | None:
        """The state of some members of a save; None if it is not there, or not usable."""
        if source is None or (record := self.saved.load(source)) is None:
            return None
        tensors, fields = record
        state = HalfTrained(fields["iteration"], fields["stopped"], fields["plateaued"], tensors)
        return state.select([fields["keys"].index(key) for key in keys])

    def clear(self) -> None:
        """Remove the saves all of whose members are done."""
        for name, fields in self.saved.describe():
            if all(self.store.path(key).exists() for key in fields["keys"]):
                self.saved.remove(name)


def _name(keys: Sequence[str]) -> str:
    return content_key({"half_trained": list(keys)})
