"""What reads finished scores and windows: sample quality and statistics."""
