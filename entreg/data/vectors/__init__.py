"""Features: vectors of numbers of any kind, as embeddings and tables are."""
