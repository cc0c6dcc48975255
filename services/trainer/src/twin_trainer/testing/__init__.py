"""Small models and fakes for tests; part of the package, so that others may test with them."""
