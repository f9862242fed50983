"""How many GANs fit into a GPU's memory."""

import torch

from emogan.models import ConditionalGenerator
from emogan.models.stacked import StackedLinear

SHARE = 0.8  # of the free memory is used: what a step allocates and frees leaves gaps
FLOAT = 4  # bytes


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
    model: ConditionalGenerator, batch_size: int, windows: int, device: torch.device, most: int
) -> int:
    """How many GANs like a model train at once in the memory that is free on a device, from 1 to ``most``.

    ``most`` on a device whose free memory PyTorch does not tell, such as a CPU.
    """
    if device.type != "cuda":
        return most
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(most, int(SHARE * free) // bytes_per_member(model, batch_size, windows)))
