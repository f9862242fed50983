"""Worked examples: python -m emogan.examples.own_table and the other modules here."""
