"""Side by side with peers, one command: `python -m benchmarks [NAME ...]`."""
