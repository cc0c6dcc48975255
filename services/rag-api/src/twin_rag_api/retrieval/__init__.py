"""From a question to the passages of the author's documents that may answer it."""
