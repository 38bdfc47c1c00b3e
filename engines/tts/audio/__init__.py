"""Sounds of chunks to one file: trimmed, joined, as loud as wanted, encoded."""
