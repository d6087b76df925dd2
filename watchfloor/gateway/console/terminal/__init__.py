"""Terminals at the console: paired in a browser, then reading and deciding with a token of their own."""
