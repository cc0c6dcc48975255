"""Stand-ins for what is heavy, for tests of this service."""
