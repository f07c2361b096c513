"""The invariants of the design, each a property that a plausible bug fails."""
