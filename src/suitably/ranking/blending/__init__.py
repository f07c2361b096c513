"""One scale and learned weights for blends of rankers."""
