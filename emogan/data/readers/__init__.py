"""Readers of MATLAB files and of pickles, neither of which runs any code of a file."""
