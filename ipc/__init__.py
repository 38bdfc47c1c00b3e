"""The hallway: framing, channel, the two vocabularies, snapshots, errors and the client. Imports nothing of ours."""
