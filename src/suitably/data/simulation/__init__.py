"""A simulated bank whose true preferences can be asked for."""
