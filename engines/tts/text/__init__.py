"""Documents to chunks of text: formats, sentences, packing; pure, but for reading the file."""
