"""Augmenters for a user's own scikit-learn pipeline: over-samplers, saved ones, and whole cross-validations."""
