-- Times are Unix seconds (UTC) in BIGINT, binary values are lower-case hex in TEXT.

-- What concerns the installation as a whole: one row.
CREATE TABLE installation (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    -- Grows by one in every transaction that changes what an Envoy must know.
    revision BIGINT NOT NULL,
    -- A MAC under the master key, so that a wrong key is noticed at the start
    -- and not at the first cluster. NULL until the first start.
    master_key_check TEXT
);
INSERT INTO installation (id, revision, master_key_check) VALUES (1, 0, NULL);

-- The primary key serves every lookup of one user: login, the caller of a request.
CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    display_name TEXT NOT NULL,
    -- argon2id in PHC form.
    password_hash TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('normal', 'forbidden')),
    -- Counts the writes to this row.
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT,
    last_login_ip TEXT
);

-- The primary key serves "the groups of this user".
CREATE TABLE user_groups (
    user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    PRIMARY KEY (user_name, group_name)
);

-- user_name is deliberately no foreign key: a key that was imported from a
-- KubeCube may name a user that is gone there. It is kept and answers
-- "user not exist.", as KubeCube does, instead of "key not exist.", and it
-- works again once the user is imported too, in whatever order that happens.
CREATE TABLE access_keys (
    access_key TEXT NOT NULL PRIMARY KEY,
    -- HMAC-SHA256 of both halves under a subkey of the master key.
    secret_hash TEXT NOT NULL,
    user_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
-- Serves "the keys of this user, oldest first" (the listing) and their number (the cap).
CREATE INDEX access_keys_by_user ON access_keys (user_name, created_at, access_key);

-- The primary key serves lookups of one cluster and the listing by name.
CREATE TABLE clusters (
    name TEXT NOT NULL PRIMARY KEY,
    scheme TEXT NOT NULL CHECK (scheme IN ('http', 'https')),
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    path_prefix TEXT NOT NULL,
    -- NULL: the system's CAs.
    ca_pem TEXT,
    -- NULL: the host.
    server_name TEXT,
    -- ChaCha20-Poly1305 under a subkey of the master key, bound to the name.
    credential_sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
