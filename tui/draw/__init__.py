"""What is on screen, as pure functions: from the store's rows and a width to lines of ink."""
