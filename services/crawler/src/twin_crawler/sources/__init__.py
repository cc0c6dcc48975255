"""The sources, one file each: a file that defines `SOURCE` is listed by the dispatcher."""
