"""A real program with bad habits, for tests and demonstrations of supervision."""
