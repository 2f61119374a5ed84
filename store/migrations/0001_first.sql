-- The first schema. Times are UTC microseconds; order is seq, never a clock; uid columns are ULIDs.

CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  handle TEXT NOT NULL UNIQUE,
  name TEXT UNIQUE,
  title TEXT NOT NULL DEFAULT '',
  scope TEXT NOT NULL DEFAULT '',
  metadata TEXT,
  branch INTEGER REFERENCES branch (id) DEFERRABLE INITIALLY DEFERRED,
  created_at INTEGER NOT NULL,
  last_active_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_by_activity ON session (last_active_at DESC);
CREATE INDEX session_by_scope ON session (scope, last_active_at DESC);

-- A branch shares its parent's messages up to and including fork_seq.
CREATE TABLE branch (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  parent INTEGER REFERENCES branch (id),
  fork_seq INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX branch_by_session ON branch (session);
CREATE INDEX branch_by_parent ON branch (parent) WHERE parent IS NOT NULL;

-- reason '' and ended_at NULL: still running. chunk_first and chunk_last bound the rows of chunk that may be its own;
-- folded says that its text is in part and none of it in chunk.
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  branch INTEGER NOT NULL REFERENCES branch (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  turn INTEGER REFERENCES turn (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  role TEXT NOT NULL,
  model TEXT,
  reason TEXT NOT NULL DEFAULT '',
  error TEXT,
  detail TEXT,
  revision INTEGER NOT NULL DEFAULT 0,
  chunk_first INTEGER,
  chunk_last INTEGER,
  folded INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  UNIQUE (branch, seq)
) STRICT;
CREATE INDEX message_unfolded ON message (id) WHERE folded = 0;
CREATE INDEX message_by_turn ON message (turn) WHERE turn IS NOT NULL;

CREATE TABLE part (
  id INTEGER PRIMARY KEY,
  message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  tool_id TEXT,
  tool_name TEXT,
  began_at INTEGER NOT NULL,
  ended_at INTEGER,
  text TEXT NOT NULL DEFAULT '',
  UNIQUE (message, position)
) STRICT;

-- New text of messages that are being written, appended at the end of one b-tree and nowhere else. No foreign key and no
-- index: either costs another page for each tick. The row with the highest id is never deleted, so that SQLite never
-- hands an id out again and readers may follow the table by id.
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY,
  message INTEGER NOT NULL,
  part INTEGER NOT NULL,
  byte_offset INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE turn (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  branch INTEGER NOT NULL REFERENCES branch (id) ON DELETE CASCADE,
  state TEXT NOT NULL DEFAULT 'running',
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX turn_by_branch ON turn (branch);

-- owner is the id of the process that runs it; a process holds the lock file of that name for as long as it lives.
CREATE TABLE attempt (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  turn INTEGER NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
  branch INTEGER NOT NULL REFERENCES branch (id) ON DELETE CASCADE,
  answer INTEGER REFERENCES message (id) ON DELETE SET NULL,
  state TEXT NOT NULL DEFAULT 'running',
  owner TEXT NOT NULL,
  response_id TEXT,
  error TEXT,
  detail TEXT,
  began_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX attempt_running ON attempt (branch) WHERE state = 'running';
CREATE INDEX attempt_by_turn ON attempt (turn);
CREATE INDEX attempt_by_answer ON attempt (answer) WHERE answer IS NOT NULL;

-- NULL is unknown, which is not 0. cost_micros: millionths of a US dollar.
CREATE TABLE usage (
  message INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
  input_tokens INTEGER,
  output_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  reasoning_tokens INTEGER,
  cost_micros INTEGER
) STRICT;
