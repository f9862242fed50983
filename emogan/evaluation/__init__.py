"""Scoring what augmentation buys on held-out trials."""
