"""Fakes that pass the same tests as the real thing; shipped, so that every service can use them."""
