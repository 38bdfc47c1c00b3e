"""Where somebody speaks: probabilities, spans, levels."""
