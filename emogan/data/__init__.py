"""Loading, splitting and scaling of feature windows."""
