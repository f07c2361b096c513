"""Who leaves? A calibrated probability, and curves of who stayed."""
