"""What runs in the Python that has Chatterbox; `bench.tts` starts these, and they obey (`bench.peer`)."""
