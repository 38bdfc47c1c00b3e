"""The forms that a transcript is written in."""
