"""Environments of engine kinds: what they are made of, how they are known, and which one an engine runs in."""
