"""Sweeps: which jobs they ask for, what became of them, how long they take, and what Slurm needs."""
