-- A part's text beyond its first half MiB, in pieces of half a MiB: a longer row would hold the database for too long when it is
-- written. byte_offset: in the part's text; a piece may begin before the end of the one before it.
CREATE TABLE segment (
  id INTEGER PRIMARY KEY,
  message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  part INTEGER NOT NULL,
  byte_offset INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (message, part, byte_offset)
) STRICT;
