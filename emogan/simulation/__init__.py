"""Simulated people, with the simulated recordings that stand in for licensed data."""
