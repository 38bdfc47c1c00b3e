"""Language models with llama-cpp-python."""
