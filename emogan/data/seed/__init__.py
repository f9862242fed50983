"""The releases of SEED, SEED-IV and SEED-V as they lie on disk."""
