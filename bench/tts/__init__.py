"""Speech against the library alone."""
