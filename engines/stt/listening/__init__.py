"""Live audio: what is committed, and when."""
