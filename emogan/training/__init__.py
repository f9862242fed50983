"""Training GANs by Lightning: batches, history, early stopping, checkpoints, diagnostics, the cache."""
