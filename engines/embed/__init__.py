"""Text to vectors, with onnxruntime: one service for every program and job on the box."""
