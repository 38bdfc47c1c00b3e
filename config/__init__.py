"""Configuration: files, layers, paths and the schema."""
