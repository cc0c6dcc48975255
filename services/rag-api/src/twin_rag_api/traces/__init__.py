"""What was asked and answered, kept for a while for the author to look at, and judged as it goes by."""
