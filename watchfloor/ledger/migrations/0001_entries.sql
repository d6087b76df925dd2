CREATE TABLE entries (
    chain       TEXT    NOT NULL,
    seq         INTEGER NOT NULL CHECK (seq > 0),
    id          TEXT    NOT NULL UNIQUE,
    kind        TEXT    NOT NULL,
    effect_key  TEXT,
    action      TEXT,
    recorded_ms INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    PRIMARY KEY (chain, seq)
) WITHOUT ROWID;

CREATE INDEX entries_by_effect ON entries (effect_key) WHERE effect_key IS NOT NULL;

CREATE INDEX announcements ON entries (action, recorded_ms) WHERE kind = 'effect.announced';

CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TABLE checkpoints (
    chain    TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    ref      TEXT    NOT NULL,
    noted_ms INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (chain, seq, ref)
) WITHOUT ROWID;
