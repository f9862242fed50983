"""From signals to features: differential entropy, smoothing and eye movements, as pure functions on arrays."""
