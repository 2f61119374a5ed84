-- Sessions with a life of their own, requests, budgets, undo, search, review, work in the background.
-- Columns that are dates are UTC microseconds unless said otherwise; NULL is unknown or has not happened.

-- Participants: who wrote a message. external_id: '' for the user, PROVIDER/MODEL for a model, a tool's name.
CREATE TABLE participant (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('user', 'model', 'tool')),
  external_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (session, kind, external_id)
) STRICT;
CREATE INDEX participant_by_session ON participant (session);

-- Sessions. key: the caller's, for which it is made once in its scope. state: of the newest turn. The sums are of known
-- usage. title_by: prompt, model, user; a title that the user gave is never replaced by another's.
ALTER TABLE session ADD COLUMN key TEXT;
ALTER TABLE session ADD COLUMN status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'idle', 'ended'));
ALTER TABLE session ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN title_by TEXT NOT NULL DEFAULT 'prompt';
ALTER TABLE session ADD COLUMN model TEXT;
ALTER TABLE session ADD COLUMN message_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN cost_micros INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN ended_at INTEGER;
ALTER TABLE session ADD COLUMN archived_at INTEGER;
ALTER TABLE session ADD COLUMN deleted_at INTEGER;
DROP INDEX session_by_activity;
DROP INDEX session_by_scope;
CREATE UNIQUE INDEX session_by_key ON session (scope, key) WHERE key IS NOT NULL;
-- What a list may be narrowed by stands in the index, so that a search for what is rare reads no rows in vain.
CREATE INDEX session_shown ON session (last_active_at DESC, id, state, cost_micros, title)
  WHERE deleted_at IS NULL AND archived_at IS NULL;
CREATE INDEX session_shown_in_scope ON session (scope, last_active_at DESC, id)
  WHERE deleted_at IS NULL AND archived_at IS NULL;
CREATE INDEX session_shown_of_model ON session (model, last_active_at DESC, id)
  WHERE deleted_at IS NULL AND archived_at IS NULL;
CREATE INDEX session_archived ON session (last_active_at DESC, id)
  WHERE archived_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX session_deleted ON session (deleted_at DESC, id) WHERE deleted_at IS NOT NULL;

-- last_active_at is the session's, so that a list by label is one range of an index.
CREATE TABLE label (
  session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  last_active_at INTEGER NOT NULL,
  PRIMARY KEY (session, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_by_name ON label (name, last_active_at DESC, session);

-- reason of a branch: fork (by the user), edit (another prompt), again (another answer), import.
ALTER TABLE branch ADD COLUMN uid TEXT;
ALTER TABLE branch ADD COLUMN name TEXT;
ALTER TABLE branch ADD COLUMN reason TEXT NOT NULL DEFAULT 'fork';
UPDATE branch SET uid = '0' || substr(hex(randomblob(13)), 1, 25);
CREATE UNIQUE INDEX branch_by_uid ON branch (uid);
DROP INDEX branch_by_parent;
CREATE INDEX branch_by_parent ON branch (parent, fork_seq) WHERE parent IS NOT NULL;

-- A deleted message keeps its row until it is purged. continues: the message that this one goes on with. participant has
-- no foreign key: both go with their session, and a key would want an index for nothing else.
ALTER TABLE message ADD COLUMN participant INTEGER;
ALTER TABLE message ADD COLUMN continues INTEGER REFERENCES message (id) ON DELETE SET NULL;
ALTER TABLE message ADD COLUMN action TEXT;
ALTER TABLE message ADD COLUMN deleted_at INTEGER;
ALTER TABLE message ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_continuing ON message (continues) WHERE continues IS NOT NULL;
CREATE INDEX message_prompts ON message (id) WHERE role = 'user';
CREATE INDEX message_unindexed ON message (id) WHERE indexed <= 0 AND folded = 1 AND deleted_at IS NULL;
CREATE INDEX message_deleted ON message (deleted_at) WHERE deleted_at IS NOT NULL;

-- One row for each (scope, key): scope is a session's uid or '' for all. The fingerprint covers everything that was
-- asked for.
CREATE TABLE request (
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  turn INTEGER REFERENCES turn (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  created_at INTEGER NOT NULL,
  UNIQUE (scope, key)
) STRICT;
CREATE INDEX request_by_turn ON request (turn) WHERE turn IS NOT NULL;

-- unanswered: deliberately without an answer. replaced_by: the turn that took its place when it was deleted.
ALTER TABLE turn ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turn ADD COLUMN replaced_by INTEGER REFERENCES turn (id) ON DELETE SET NULL;
ALTER TABLE turn ADD COLUMN deleted_at INTEGER;
ALTER TABLE turn ADD COLUMN checkpoint TEXT;
CREATE INDEX turn_replacing ON turn (replaced_by) WHERE replaced_by IS NOT NULL;

-- position: where the provider's stream can be resumed.
ALTER TABLE attempt ADD COLUMN model TEXT;
ALTER TABLE attempt ADD COLUMN position TEXT;
CREATE INDEX attempt_by_branch ON attempt (branch);

-- When and by what, so that a report reads one range of an index.
ALTER TABLE usage ADD COLUMN at INTEGER;
ALTER TABLE usage ADD COLUMN model TEXT;
ALTER TABLE usage ADD COLUMN session INTEGER;
ALTER TABLE usage ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
UPDATE usage SET (at, model, session) =
  (SELECT coalesce(m.ended_at, m.created_at), m.model, b.session
   FROM message m JOIN branch b ON b.id = m.branch WHERE m.id = usage.message);
CREATE INDEX usage_by_time ON usage (at);

-- Money by period: starts_on is the local date (YYYY-MM-DD) of its first day; bucket is 'total' or 'model:NAME'.
CREATE TABLE budget (
  period TEXT NOT NULL CHECK (period IN ('daily', 'monthly')),
  starts_on TEXT NOT NULL,
  bucket TEXT NOT NULL,
  reserved_micros INTEGER NOT NULL DEFAULT 0,
  spent_micros INTEGER NOT NULL DEFAULT 0,
  calls INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  tool_calls INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (period, starts_on, bucket)
) STRICT, WITHOUT ROWID;
CREATE TABLE budget_tool (
  starts_on TEXT NOT NULL,
  tool TEXT NOT NULL,
  calls INTEGER NOT NULL,
  PRIMARY KEY (starts_on, tool)
) STRICT, WITHOUT ROWID;
-- What is promised to attempts that run; gone when it is settled or released.
CREATE TABLE reservation (
  attempt INTEGER PRIMARY KEY REFERENCES attempt (id) ON DELETE CASCADE,
  day TEXT NOT NULL,
  month TEXT NOT NULL,
  model TEXT NOT NULL,
  amount_micros INTEGER NOT NULL
) STRICT;

-- Content by its hash; data in pieces, so that no transaction is long. Complete once `whole` is set; collected when no
-- part names it.
CREATE TABLE attachment (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  whole INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE attachment_piece (
  attachment INTEGER NOT NULL REFERENCES attachment (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (attachment, position)
) STRICT;
ALTER TABLE part ADD COLUMN attachment INTEGER REFERENCES attachment (id);
CREATE INDEX part_by_attachment ON part (attachment) WHERE attachment IS NOT NULL;

-- What is typed and not sent: one text for each place (a session's uid; 'new:' and a scope for one that is not there yet).
CREATE TABLE draft (
  place TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  cursor INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Prompts that wait for the answer before them.
CREATE TABLE queue (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  text TEXT NOT NULL,
  owner TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX queue_by_session ON queue (session, id);

-- Review. A note is on a message, or on bytes [first, last) of one of its parts.
CREATE TABLE note (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  part INTEGER,
  first INTEGER,
  last INTEGER,
  text TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX note_by_message ON note (message);
-- One verdict for a session as a whole (message NULL), and one for each message.
CREATE TABLE verdict (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  message INTEGER REFERENCES message (id) ON DELETE CASCADE,
  rating INTEGER,
  verdict TEXT,
  decided_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX verdict_of_session ON verdict (session) WHERE message IS NULL;
CREATE UNIQUE INDEX verdict_of_message ON verdict (message) WHERE message IS NOT NULL;
CREATE INDEX verdict_by_session ON verdict (session);

-- What can be undone, newest last. target is a uid; before and after are what store/journal.h says of the action.
CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  action TEXT NOT NULL,
  session TEXT NOT NULL,
  target TEXT NOT NULL,
  before TEXT,
  after TEXT,
  at INTEGER NOT NULL,
  undone_at INTEGER
) STRICT;
CREATE INDEX journal_by_session ON journal (session, id);
CREATE INDEX journal_by_target ON journal (target, id);

-- Work that one of several processes does, once: kind says what, target on what.
CREATE TABLE claim (
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  owner TEXT NOT NULL,
  claimed_at INTEGER NOT NULL,
  done_at INTEGER,
  result TEXT,
  PRIMARY KEY (kind, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_by_target ON claim (target);

-- Rows that a repair has put aside: of which table, what stood in them as SQL writes it.
CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY,
  origin TEXT NOT NULL,
  row INTEGER NOT NULL,
  content BLOB NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- Everything that is not text, for watchers: append-only, pruned by age. AUTOINCREMENT: a number is never used again, so
-- a cursor stays true.
CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  session TEXT NOT NULL,
  message TEXT,
  at INTEGER NOT NULL
) STRICT;

-- Words (store/index_internal.h says how they are numbered): a row for each stretch of a message, by what it is of it, and
-- for each title. They come folded and with a blank between, for which the tokenizer ascii is enough. Segments are merged
-- in the background only, in steps. words_title: the titles that are in it, since only the same words take a row out.
CREATE VIRTUAL TABLE words USING fts5 (title, prompt, answer, reasoning, tool, content = '', tokenize = 'ascii');
INSERT INTO words (words, rank) VALUES ('automerge', 0);
INSERT INTO words (words, rank) VALUES ('crisismerge', 1000);
CREATE TABLE words_title (
  session INTEGER PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
  title TEXT NOT NULL
) STRICT;
ALTER TABLE session ADD COLUMN title_indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX session_title_unindexed ON session (id) WHERE title_indexed = 0;

UPDATE session SET
  message_count = (SELECT count(*) FROM branch b JOIN message m ON m.branch = b.id WHERE b.session = session.id),
  model = (SELECT m.model FROM message m WHERE m.branch = session.branch AND m.model IS NOT NULL
           ORDER BY m.seq DESC LIMIT 1),
  state = coalesce((SELECT t.state FROM turn t WHERE t.branch = session.branch ORDER BY t.id DESC LIMIT 1), '');
UPDATE session SET (input_tokens, output_tokens, cost_micros) =
  (SELECT coalesce(sum(u.input_tokens), 0), coalesce(sum(u.output_tokens), 0), coalesce(sum(u.cost_micros), 0)
   FROM branch b JOIN message m ON m.branch = b.id JOIN usage u ON u.message = m.id WHERE b.session = session.id);
