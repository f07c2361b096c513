"""Solvers and training loops behind the rankers."""
