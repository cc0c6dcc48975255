"""Measures what a trained model writes against its author, its base and the model in production."""
