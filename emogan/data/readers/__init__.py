"""Readers that run no code of a file: MATLAB files, pickles, and the files of DEAP, DREAMER, AMIGOS and MAHNOB-HCI."""
