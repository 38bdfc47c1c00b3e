"""Benchmarks: programs that print tables and assert nothing; `make bench` runs them all."""
