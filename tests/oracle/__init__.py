"""Slow, obvious twins of the fast code, written from the documents and not from it."""
