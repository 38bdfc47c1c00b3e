"""Audio files as samples at 16 kHz, read in pieces."""
