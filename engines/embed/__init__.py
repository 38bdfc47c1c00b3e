"""Embeddings with onnxruntime: texts to vectors."""
