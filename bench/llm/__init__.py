"""Language models against their peers; `python -m bench.llm`."""
