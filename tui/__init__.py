"""The Textual dashboard: knows the protocol, and no process, GPU or model."""
