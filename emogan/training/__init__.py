"""Training generators by Lightning: batches, DataModules, history, early stopping, checkpoints and diagnostics."""
