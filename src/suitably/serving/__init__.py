"""Serving: a pipeline behind HTTP."""
