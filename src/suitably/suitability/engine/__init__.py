"""The engine: policies bound to users and products, as rows of bits that are never all stored."""
