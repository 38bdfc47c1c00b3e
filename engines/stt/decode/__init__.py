"""From samples to text: windows, batches, temperatures, and what is not to be believed."""
