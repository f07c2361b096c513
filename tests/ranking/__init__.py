"""Every ranker by one contract, and the engine against a brute force."""
