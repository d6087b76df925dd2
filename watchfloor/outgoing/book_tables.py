"""The tables of the book of webhooks, and what an older book gets so that it can be read on."""

import sqlite3

FOLLOWS_PROCESSES = 1
"""`user_version` of a book whose reader follows holds, handoffs and reviews too."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS chains (
  chain TEXT PRIMARY KEY, seq INTEGER NOT NULL, silent_to INTEGER NOT NULL, severity TEXT NOT NULL, state TEXT NOT NULL,
  runbook TEXT NOT NULL, compartment TEXT) STRICT;
CREATE TABLE IF NOT EXISTS subscriptions (
  name TEXT PRIMARY KEY, began_ms INTEGER NOT NULL, rests_to_ms INTEGER NOT NULL DEFAULT 0, disabled_ms INTEGER,
  why TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE IF NOT EXISTS events (
  subscription TEXT NOT NULL, chain TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL,
  state TEXT NOT NULL, queued_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, settled_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL, PRIMARY KEY (subscription, chain, seq)) STRICT;
CREATE INDEX IF NOT EXISTS events_waiting ON events (subscription, chain, seq) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS events_dead ON events (subscription) WHERE state = 'dead';
CREATE TABLE IF NOT EXISTS lanes (
  subscription TEXT NOT NULL, chain TEXT NOT NULL, next_ms INTEGER NOT NULL, PRIMARY KEY (subscription, chain)) STRICT;
CREATE INDEX IF NOT EXISTS lanes_due ON lanes (subscription, next_ms);
CREATE TABLE IF NOT EXISTS attempts (
  id INTEGER PRIMARY KEY, subscription TEXT NOT NULL, chain TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
  number INTEGER NOT NULL, at_ms INTEGER NOT NULL, took_ms INTEGER NOT NULL, status INTEGER, outcome TEXT NOT NULL,
  next_ms INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS attempts_by_subscription ON attempts (subscription, id);
"""


def make_tables(database: sqlite3.Connection) -> None:
    """Make what is not there yet. A book from before processes were followed gets the place for their incident.

    Raises:
        sqlite3.Error: it cannot be done; nothing was changed by half.
    """
    database.executescript(_SCHEMA)
    if _knows_incidents(database):
        return
    database.execute("BEGIN IMMEDIATE")
    if not _knows_incidents(database):  # another process may have been quicker
        database.execute("ALTER TABLE chains ADD COLUMN incident TEXT NOT NULL DEFAULT ''")
    database.execute("COMMIT")


def _knows_incidents(database: sqlite3.Connection) -> bool:
    return "incident" in {row[1] for row in database.execute("PRAGMA table_info(chains)").fetchall()}
