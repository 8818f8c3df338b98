-- What was done through the gateway, by its API and on its command line.
CREATE TABLE audit_records (
    -- The time in microseconds since 1970 (14 hex digits), then random digits. The
    -- primary key serves reading by time, the paging of what is read, and the
    -- removal of the oldest.
    id TEXT NOT NULL PRIMARY KEY,
    -- Empty: nobody, or nobody who is known.
    user_name TEXT NOT NULL,
    -- Empty: no cluster.
    cluster TEXT NOT NULL,
    -- All of it as a JSON object.
    record TEXT NOT NULL
);
-- Serves "what this user did, newest first".
CREATE INDEX audit_records_by_user ON audit_records (user_name, id);
-- Serves "what was done on this cluster, newest first".
CREATE INDEX audit_records_by_cluster ON audit_records (cluster, id);
