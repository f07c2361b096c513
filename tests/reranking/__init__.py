"""Rerankers, and what the pipeline does with those that misbehave."""
