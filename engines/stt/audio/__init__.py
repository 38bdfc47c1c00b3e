"""Recordings: opened, decoded piece by piece, and heard as Whisper hears."""
