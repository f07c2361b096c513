"""Parameters and checks, bitsets, threads, suggestions: what every room uses."""
