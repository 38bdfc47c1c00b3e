"""Making environments of engine kinds: each step in a process of its own, told as it goes."""
