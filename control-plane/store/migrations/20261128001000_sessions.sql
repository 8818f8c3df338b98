-- What a change is about, so that whoever follows the revision reads only that again:
-- each of these grows by one together with revision. A release that does not know them
-- moves revision alone, and everything is read again then.
ALTER TABLE installation ADD COLUMN cluster_revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN epoch_revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN session_revision BIGINT NOT NULL DEFAULT 0;

-- The longest lives, in seconds, that tokens of this installation were ever given: of any,
-- and of those of a session. Seven days and one are what was the default until now.
ALTER TABLE installation ADD COLUMN longest_lifetime BIGINT NOT NULL DEFAULT 604800;
ALTER TABLE installation ADD COLUMN longest_session_lifetime BIGINT NOT NULL DEFAULT 7200;

-- Logins that can be refreshed, one row each. A refresh begins a new generation of the
-- session's tokens; those of an earlier one are refused, refresh tokens too.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_name TEXT NOT NULL,
    -- users.token_epoch when it began: another one ends it.
    user_epoch BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    -- The refresh token of this generation: HMAC-SHA256 under a subkey of the master key.
    token_hash TEXT NOT NULL,
    rotated_at BIGINT NOT NULL,
    -- When the access token of this generation is no longer taken anywhere.
    access_until BIGINT NOT NULL,
    -- The same of the generation before it.
    replaced_until BIGINT NOT NULL,
    -- When the refresh token expires.
    expires_at BIGINT NOT NULL,
    -- installation.session_revision of the last change.
    revision BIGINT NOT NULL
);
-- Serves "the other sessions of this user".
CREATE INDEX sessions_by_user ON sessions (user_name);
-- Serves "what has changed since".
CREATE INDEX sessions_by_revision ON sessions (revision);
-- Serves "forget what has expired".
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Of a session or a single token: whose it is, the key it was made from ('' for none), and
-- installation.session_revision of the last change.
ALTER TABLE revocations ADD COLUMN user_name TEXT NOT NULL DEFAULT '';
ALTER TABLE revocations ADD COLUMN access_key TEXT NOT NULL DEFAULT '';
ALTER TABLE revocations ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
-- Serves "how many of this user", "how many of this key".
CREATE INDEX revocations_by_user ON revocations (user_name, access_key);
-- Serves "what has changed since".
CREATE INDEX revocations_by_revision ON revocations (revision);
-- Serves "forget what has expired".
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
