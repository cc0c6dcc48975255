"""Repositories read with the git command: fetched without checkout, and nothing in them is ever run."""
