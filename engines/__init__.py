"""The engines: their contract, the child's runtime, and one room per kind."""
