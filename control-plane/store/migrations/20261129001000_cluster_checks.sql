-- What is asked of the connected Envoys lately: whether a cluster answers through them. Control
-- planes read it whenever the revision has moved; what came of it stands with their Envoys, in
-- `envoys.state`. Rows are deleted a minute after, by whoever asks next.
CREATE TABLE cluster_checks (
    id TEXT PRIMARY KEY NOT NULL,
    cluster TEXT NOT NULL,
    revision BIGINT NOT NULL,
    asked_at BIGINT NOT NULL
);
