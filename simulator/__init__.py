"""A GPU box that is not there: NVML in C answering from a scenario, for tests, demos and benchmarks."""
