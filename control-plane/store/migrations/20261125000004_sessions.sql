-- Refresh tokens. The primary key serves the look-up of one; a used one is kept until
-- it expires, so that its reuse is noticed.
CREATE TABLE IF NOT EXISTS refresh_tokens (
    -- HMAC-SHA256 under a subkey of the master key.
    token_hash TEXT NOT NULL PRIMARY KEY,
    -- The login that it goes back to.
    session TEXT NOT NULL,
    user_name TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
-- Serves "end this session".
CREATE INDEX IF NOT EXISTS refresh_tokens_by_session ON refresh_tokens (session);
-- Serves "the other sessions of this user".
CREATE INDEX IF NOT EXISTS refresh_tokens_by_user ON refresh_tokens (user_name);
-- Serves "forget what has expired".
CREATE INDEX IF NOT EXISTS refresh_tokens_by_expiry ON refresh_tokens (expires_at);

-- What is refused although it has not expired: all tokens of a user before an epoch, of
-- a key, of a session, or a single token.
CREATE TABLE IF NOT EXISTS revocations (
    kind TEXT NOT NULL CHECK (kind IN ('user', 'key', 'session', 'token')),
    subject TEXT NOT NULL,
    -- Of a user, the lowest epoch that is still good.
    epoch BIGINT,
    -- When the last token that it refuses has expired by itself.
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, subject)
);
