"""Operating-system processes: spawn, watch, drain, signal, sweep."""
