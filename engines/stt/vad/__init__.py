"""Where somebody speaks: levels, the probability of speech, and the spans these make."""
