"""Features of users and products, and their embeddings, for the hybrid ranker."""
