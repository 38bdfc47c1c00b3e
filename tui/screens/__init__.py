"""One file per place or question."""
