"""Small stores of one region, each a SQLite file of its own."""

from watchfloor.storage.file import SqliteFile

__all__ = ["SqliteFile"]
