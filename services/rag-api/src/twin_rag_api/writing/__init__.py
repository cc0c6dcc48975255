"""Texts in the owner's voice: what kinds there are, what they draw on, and the drafts that come of it."""
