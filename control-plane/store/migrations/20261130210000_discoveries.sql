-- What clusters were found to have, each once by the SHA-256 of its text: clusters of one
-- version have the same. A text is JSON that is only ever read whole.
CREATE TABLE discoveries (
    digest TEXT PRIMARY KEY NOT NULL,
    document TEXT NOT NULL,
    -- When a cluster was last written down to have it. One that none has goes some time later.
    kept_at BIGINT NOT NULL
);
-- Which of them a cluster had when it was read last. It holds for the server that was read, and
-- is as good as none when the cluster has become another one.
CREATE TABLE cluster_discoveries (
    cluster TEXT PRIMARY KEY NOT NULL REFERENCES clusters (name) ON DELETE CASCADE,
    server TEXT NOT NULL,
    digest TEXT NOT NULL
);
