"""What the tests of training share; ships with the package, so that other parts can train in their tests."""
