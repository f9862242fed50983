"""One job: its settings, its identity, what it computes and the files that it writes."""
