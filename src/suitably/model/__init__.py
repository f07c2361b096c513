"""What is fitted, updated and forgotten: one model, replaced as a whole."""
