"""Numbered SQL files, carried out in order, each once; the number of the last one is the database's `user_version`."""
