"""The archives that can be imported, one file a format."""
