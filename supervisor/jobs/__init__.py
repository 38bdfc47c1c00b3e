"""Jobs, units and flights: the store, the pure book, and the foreman that performs its effects."""
