"""How many GANs fit into a GPU's memory."""

import torch

from emogan.models import ConditionalGenerator
from emogan.models.stacked import StackedLinear

SHARE = 0.8  # of the free memory is used: what a step allocates and frees leaves gaps
FLOAT = 4  # bytes
PLACES = 16  # bytes of a window's place in what all have in common, and of the person and session that it is of


def bytes_per_member(model: ConditionalGenerator, batch_size: int, windows: int) -> int:
    """About how many bytes of memory one GAN takes in training.

    Counted are its parameters with their gradients and the two moments of Adam; its training windows, with labels; the
    mini-batches' noise; and, of every layer of both networks, what the discriminator's step keeps for its way back:
    real and synthetic windows going in and coming out, and the gradient of what comes out.

    Parameters
    ----------
    model
        Of any number of members.
    batch_size, windows
        Windows per mini-batch and in the training set.
    """
    layers = [part for part in model.modules() if isinstance(part, StackedLinear) and part.packed.requires_grad]
    held = sum(value.numel() for value in model.state_dict().values())
    trained = sum(value.numel() for value in model.parameters() if value.requires_grad)
    parameters = (held + 3 * trained) // model.members
    activations = 2 * batch_size * sum(layer.inputs + 2 * layer.outputs for layer in layers)
    noise = model.draws * batch_size * (model.batch_noise + 1)
    return FLOAT * (parameters + windows * (model.features + model.classes) + activations + 2 * noise)


def members_that_fit(
    model: ConditionalGenerator, batch_size: int, windows: int, device: torch.device, most: int, pool: int = 0
) -> int:
    """How many GANs like a model train at once in the memory that is free on a device, from 1 to ``most``.

    ``most`` on a device whose free memory PyTorch does not tell, such as a CPU. ``pool`` is the number of windows that
    all GANs have in common, if they do: of ``windows`` each of them then holds the places alone.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    elif device.type == "mps":
        free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    else:
        return most
    one = bytes_per_member(model, batch_size, 0 if pool else windows) + PLACES * windows * (pool > 0)
    common = FLOAT * pool * (model.features + model.classes)
    return max(1, min(most, (int(SHARE * free) - common) // one))
