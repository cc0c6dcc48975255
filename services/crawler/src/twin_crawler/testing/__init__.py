"""What tests of crawls share."""
