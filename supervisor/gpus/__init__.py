"""GPUs as they are: the driver's library behind one adapter, a thread for each GPU, and the fleet the loop reads."""
