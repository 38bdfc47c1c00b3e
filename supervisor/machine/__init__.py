"""The pure engine machine: events in, effects out."""
