"""Loaders of public data."""
