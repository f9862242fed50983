"""Reading recordings: eye tracking files as arrays of samples and events."""
