-- Numbers that were given out and whose rows were purged. A row number of a message is never used again: who still writes
-- the message that had it, or follows the table by number, would take the next one for it.
CREATE TABLE last_row (
  name TEXT PRIMARY KEY,
  id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
