"""Worked examples: python -m emogan.examples.own_table, .against_smote and .look_at_windows."""
