"""How much a run of `emogan.benchmark.gpu` does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The device, and sizes of all that is checked and measured there.

    Parameters
    ----------
    device
        "cuda" or "cpu".
    gans, measured
        GANs that are checked, and those whose speed is measured.
    few, many
        Updates of generators that are compared.
    job
        Options of the job that is done twice.
    shapes
        Features and hidden nodes.
    checked, crowd
        GANs that are trained in checks, and in that of the memory.
    members, large, on_cpu
        Numbers of GANs in a group whose speed is measured; of one that is larger than a job would make it; and of one
        on the CPU.
    warm_up, laps, lap
        Iterations before the clock starts; how often it is read, and after how many iterations each time.
    table1
        Options of the sweep.
    """

    device: str
    gans: tuple[str, ...]
    measured: tuple[str, ...]
    few: int
    many: int
    job: tuple[str, ...]
    shapes: tuple[tuple[int, int], ...]
    checked: int
    crowd: int
    members: tuple[int, ...]
    large: int
    on_cpu: int
    warm_up: int
    laps: int
    lap: int
    table1: tuple[str, ...]

    @property
    def accelerator(self) -> str:
        """What Lightning calls the device."""
        return "cpu" if self.device == "cpu" else "gpu"


GANS, MEASURED = ("cbegan", "cwgan", "cgan", "trial_cbegan"), ("cbegan", "cwgan", "trial_cbegan")
TWO_PEOPLE = ("data=synthetic", "data.subjects=[1,2]", "modality=eye", "n_aug=[0,200]")
GPU = Sizes(
    device="cuda", gans=GANS, measured=MEASURED, few=5, many=300, job=TWO_PEOPLE, shapes=((33, 100), (351, 300)),
    checked=15, crowd=64, members=(15, 60, 135, 256), large=1024, on_cpu=32, warm_up=20, laps=4, lap=25,
    table1=("data.subjects=[1,2,3]",),
)  # fmt: skip
REHEARSAL = Sizes(
    device="cpu", gans=GANS, measured=MEASURED, few=5, many=30,
    job=(*TWO_PEOPLE, "evaluation.inner=reuse", "evaluation.c_exponents=[-2,2]"), shapes=((33, 100), (51, 120)),
    checked=3, crowd=4, members=(1, 2), large=4, on_cpu=2, warm_up=1, laps=2, lap=2,
    table1=(
        "data.subjects=[1]", "data.sessions=[1]", "modality=eye", "model=cbegan", "model.iterations=20", "n_aug=[0,50]",
        "evaluation.c_exponents=[-2,2]", "quality=false",
    ),
)  # fmt: skip
