-- A store of schema version 1, as the first draft made it; the bodies are those of sample.h. Never edited.
PRAGMA application_id = 2003333740;
PRAGMA user_version = 1;
CREATE TABLE fingerprint (
  number INTEGER PRIMARY KEY,
  hash INTEGER NOT NULL,
  bytes BLOB NOT NULL);
CREATE INDEX fingerprint_hash ON fingerprint (hash);
CREATE TABLE grouping (
  number INTEGER PRIMARY KEY,
  noun TEXT NOT NULL,
  id TEXT NOT NULL,
  created_ns INTEGER,
  model INTEGER NOT NULL,
  fingerprint INTEGER REFERENCES fingerprint,
  label TEXT,
  successor INTEGER REFERENCES grouping,
  UNIQUE (noun, id));
CREATE TABLE observation (
  number INTEGER PRIMARY KEY,
  noun TEXT NOT NULL,
  id TEXT NOT NULL,
  time_ns INTEGER,
  label TEXT,
  body_hash INTEGER NOT NULL,
  body_size INTEGER NOT NULL,
  fingerprint INTEGER REFERENCES fingerprint,
  grouping INTEGER REFERENCES grouping,
  similarity REAL,
  UNIQUE (noun, id));
CREATE INDEX observation_grouping ON observation (grouping) WHERE grouping IS NOT NULL;
CREATE TABLE body (
  observation INTEGER PRIMARY KEY REFERENCES observation,
  bytes BLOB NOT NULL);
CREATE TABLE model (
  number INTEGER NOT NULL,
  noun TEXT NOT NULL,
  created_ns INTEGER NOT NULL,
  file BLOB NOT NULL,
  UNIQUE (noun, number));
CREATE TABLE saying (
  number INTEGER PRIMARY KEY,
  noun TEXT NOT NULL,
  time_ns INTEGER NOT NULL,
  who TEXT,
  word INTEGER NOT NULL,
  a TEXT,
  b TEXT,
  text TEXT,
  undone_by INTEGER REFERENCES saying);
CREATE TABLE state (
  noun TEXT NOT NULL,
  key TEXT NOT NULL,
  bytes BLOB NOT NULL,
  UNIQUE (noun, key));
INSERT INTO fingerprint (number, hash, bytes) VALUES (1, -5631895928732813495, X'66696E6765727072696E742031');
INSERT INTO fingerprint (number, hash, bytes) VALUES (2, -445318512653204610, X'66696E6765727072696E74203130');
INSERT INTO grouping (number, noun, id, created_ns, model, fingerprint, label, successor) VALUES (1, 'stack', 'g000000000002', 5, 1, 1, 'two', NULL);
INSERT INTO grouping (number, noun, id, created_ns, model, fingerprint, label, successor) VALUES (2, 'stack', 'g000000000001', 4, 1, 2, NULL, 1);
INSERT INTO observation (number, noun, id, time_ns, label, body_hash, body_size, fingerprint, grouping, similarity) VALUES (1, 'stack', 'r1', 1000, NULL, -4620835109459402257, 45, 1, 2, 0.5);
INSERT INTO observation (number, noun, id, time_ns, label, body_hash, body_size, fingerprint, grouping, similarity) VALUES (2, 'stack', 'r60', 60000, 'bug 7', 1467225020010929746, 990, 2, NULL, 0.0);
INSERT INTO body (observation, bytes) VALUES (1, X'7B226964223A227231222C226672616D6573223A5B226D61696E222C2266756E6374696F6E5F30356535225D7D');
INSERT INTO body (observation, bytes) VALUES (2, X'28B52FFD60DE02CD080016D12E199027E94B2156FD0CBEC8DDF5BFFFF36C93DDA47555F9FF0C022E00240025005C6FC51576AB267C64B4E0D0D7DBB99D4062E06050240E7E1446E2C088016018058E60821F853148300CA30F03217DDB8CE35C65920B2C9EB2AB8EB939BAB48DD44AA4E86A1ED5947729AFC8B3D12147651FBDF5E9496AACAAAC4EF1F7650B5F4DE463EF5E42A3894BFF8C679F48C523DDD6F52D29C901090183485B978D7BF33C3DAF69DD9767965AF1CCAF27ABDF82D96BC522977FB2AE4EAB013B20F0A5391CE1084738C2118E7024723422DF837084231CE1488E7084231CE1084738720C8E70044738C28D631C84231CE1084738C2911CE108370EC2118E70E4181CE108477284231CE108370EC2118E7084231CE91CD970B20C');
INSERT INTO model (number, noun, created_ns, file) VALUES (1, 'stack', 1795268760684787467, X'6D6F64656C');
INSERT INTO saying (number, noun, time_ns, who, word, a, b, text, undone_by) VALUES (1, 'stack', 1795268760684077043, 'ann', 4, 'g000000000001', 'g000000000002', NULL, NULL);
INSERT INTO saying (number, noun, time_ns, who, word, a, b, text, undone_by) VALUES (2, 'stack', 1795268760684433321, NULL, 3, 'r1', NULL, 'it''s a note', NULL);
INSERT INTO state (noun, key, bytes) VALUES ('stack', 'assign', X'7374617465');
