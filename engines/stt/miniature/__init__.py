"""The miniature Whisper that comes along, and how it is trained."""
