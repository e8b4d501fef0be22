CREATE TABLE IF NOT EXISTS asset (
  seq INTEGER PRIMARY KEY,
  asset_id TEXT NOT NULL UNIQUE,
  resource_type TEXT NOT NULL,
  type TEXT NOT NULL,
  public_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  uploaded_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  version_id TEXT NOT NULL,
  etag TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  -- Digest of the stored bytes; null for assets of the bulk generator, whose bytes are fictional.
  original TEXT,
  format TEXT,
  width INTEGER,
  height INTEGER,
  duration REAL,
  pages INTEGER,
  asset_folder TEXT NOT NULL,
  folder_key TEXT NOT NULL,
  display_name TEXT NOT NULL,
  filename TEXT NOT NULL,
  original_filename TEXT,
  status TEXT NOT NULL,
  placeholder INTEGER NOT NULL,
  backup_bytes INTEGER NOT NULL,
  tags TEXT NOT NULL,
  context TEXT NOT NULL,
  metadata TEXT NOT NULL,
  access_control TEXT,
  moderation TEXT NOT NULL,
  moderation_kind TEXT,
  moderation_status TEXT,
  media TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  public_id_updated_at INTEGER,
  tags_updated_at INTEGER,
  context_updated_at INTEGER,
  metadata_updated_at INTEGER,
  access_control_updated_at INTEGER,
  -- The members of a list item, rendered once; see documents.list_members.
  members TEXT NOT NULL,
  UNIQUE (resource_type, type, public_id)
);
CREATE INDEX IF NOT EXISTS asset_by_slice ON asset (resource_type, type, created_at, seq);
CREATE INDEX IF NOT EXISTS asset_by_resource_type ON asset (resource_type, created_at, seq);
CREATE INDEX IF NOT EXISTS asset_by_folder ON asset (folder_key, created_at, seq);
-- With the status, so that search counts without reading assets.
CREATE INDEX IF NOT EXISTS asset_by_update ON asset (updated_at, seq, status);
CREATE INDEX IF NOT EXISTS asset_by_creation ON asset (created_at, seq, status);
CREATE INDEX IF NOT EXISTS asset_by_original ON asset (original) WHERE original IS NOT NULL;

CREATE TABLE IF NOT EXISTS asset_tag (
  resource_type TEXT NOT NULL,
  tag TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seq INTEGER NOT NULL REFERENCES asset (seq) ON DELETE CASCADE,
  PRIMARY KEY (resource_type, tag, created_at, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS asset_tag_by_asset ON asset_tag (seq);

CREATE TABLE IF NOT EXISTS backup (
  asset_id TEXT NOT NULL,
  version_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  -- What the version was: the columns of asset that a restore brings back, as a JSON object.
  facts TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  original TEXT,
  PRIMARY KEY (asset_id, version_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS backup_by_original ON backup (original) WHERE original IS NOT NULL;

CREATE TABLE IF NOT EXISTS folder (
  path TEXT PRIMARY KEY,
  path_key TEXT NOT NULL UNIQUE,
  parent_key TEXT NOT NULL,
  name TEXT NOT NULL,
  external_id TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS folder_by_parent ON folder (parent_key, name);

CREATE TABLE IF NOT EXISTS metadata_field (
  external_id TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  definition TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS fact (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS derived (
  id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES asset (seq) ON DELETE CASCADE,
  -- The text, and behind a slash the format if one was named with it.
  transformation TEXT NOT NULL,
  format TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  original TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (seq, transformation, format)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS derived_by_transformation ON derived (transformation);

CREATE TABLE IF NOT EXISTS transformation (
  seq INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  definition TEXT NOT NULL,
  named INTEGER NOT NULL,
  allowed_for_strict INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS coordinates (
  seq INTEGER PRIMARY KEY REFERENCES asset (seq) ON DELETE CASCADE,
  faces TEXT,
  custom TEXT
);

CREATE TABLE IF NOT EXISTS delete_token (
  token TEXT PRIMARY KEY,
  asset_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Upload presets, upload mappings and streaming profiles: objects with a name that Cloudinary only keeps.
CREATE TABLE IF NOT EXISTS registered (
  seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  external_id TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (kind, name)
);

-- Both directions of a relation have a row.
CREATE TABLE IF NOT EXISTS related (
  asset_id TEXT NOT NULL,
  other_id TEXT NOT NULL,
  PRIMARY KEY (asset_id, other_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS related_by_other ON related (other_id);

-- What search and folder lists still show while their index lags; filled by triggers that index_lag installs.
CREATE TABLE IF NOT EXISTS asset_stale (
  seq INTEGER PRIMARY KEY,
  changed_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS asset_former AS SELECT * FROM asset WHERE false;
CREATE VIEW IF NOT EXISTS asset_indexed AS
SELECT * FROM asset WHERE seq NOT IN (SELECT seq FROM asset_stale)
UNION ALL
SELECT * FROM asset_former;

CREATE TABLE IF NOT EXISTS folder_stale (
  external_id TEXT PRIMARY KEY,
  changed_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS folder_former AS SELECT * FROM folder WHERE false;
CREATE VIEW IF NOT EXISTS folder_indexed AS
SELECT * FROM folder WHERE external_id NOT IN (SELECT external_id FROM folder_stale)
UNION ALL
SELECT * FROM folder_former;

-- "trigger" is a word of SQL.
CREATE TABLE IF NOT EXISTS notification_trigger (
  id TEXT PRIMARY KEY,
  uri TEXT NOT NULL,
  uri_type TEXT NOT NULL,
  event_type TEXT NOT NULL,
  additive INTEGER NOT NULL,
  auth_scheme TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (uri, event_type)
) WITHOUT ROWID;

-- One message to one recipient: a webhook, or a buffer that somebody polls.
CREATE TABLE IF NOT EXISTS message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_type TEXT NOT NULL,
  uri TEXT NOT NULL,
  is_polled INTEGER NOT NULL,
  batch_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  body BLOB NOT NULL,
  -- What is sent in place of the signed body; null if that is sent.
  tampered BLOB,
  -- Sent only after a later message to the same recipient.
  is_held INTEGER NOT NULL,
  posted_at REAL NOT NULL,
  due_at REAL NOT NULL,
  first_attempt_at REAL,
  state TEXT NOT NULL,
  -- Attempts or claims, as a JSON list.
  attempts TEXT NOT NULL,
  receipt_handle TEXT UNIQUE
);
CREATE INDEX IF NOT EXISTS message_waiting ON message (is_polled, due_at, id) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS message_by_uri ON message (uri, id);
