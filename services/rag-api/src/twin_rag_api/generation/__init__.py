"""From passages to an answer with citations."""
