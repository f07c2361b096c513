"""What else is known? Fields from a function of the caller's own."""
