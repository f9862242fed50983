"""The largest weight of the generators, for every logger."""

import lightning


class LargestWeight(lightning.Callback):
    """Logs a figure of its own beside the metrics of training."""

    changes_training = False  # GANs that were trained with it are those trained without it

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.log("largest_weight", max(weight.detach().abs().max() for weight in module.generator.parameters()))
