"""The `twin` command: one file a group of commands."""
