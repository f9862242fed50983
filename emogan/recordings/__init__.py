"""From recordings to tables of features: reading EEG and eye tracking files, cleaning, trials, extraction."""
