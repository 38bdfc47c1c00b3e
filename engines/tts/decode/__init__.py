"""Text to speech tokens: several chunks decoded together, each coming and going as it may."""
