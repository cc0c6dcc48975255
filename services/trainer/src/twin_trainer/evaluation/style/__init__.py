"""How near a text is to its author's way of writing."""
