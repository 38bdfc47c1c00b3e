"""The command line: one small file a verb, each a client."""
