"""Benchmarks: programs that print tables; only `bench.chaos` judges what it finds. `make bench` runs them all."""
