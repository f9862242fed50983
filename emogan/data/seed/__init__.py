"""The releases of the SEED data sets as they lie on disk."""
