"""Training data from an author's own text: instruct samples and preference pairs, in versions."""
