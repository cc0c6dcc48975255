"""Small rules over what goes into a model and what comes out of it; each one counts what it finds."""
