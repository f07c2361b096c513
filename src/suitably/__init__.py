"""Personalised financial products, suitable by construction."""
