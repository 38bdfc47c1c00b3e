"""Many units, many jobs, and the dashboard before them: `python -m bench.scale`."""
