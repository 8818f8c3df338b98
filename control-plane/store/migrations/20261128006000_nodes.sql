-- Envoys that were given a certificate. The newest one counts; those that were issued until
-- `revoked_until` are refused.
CREATE TABLE nodes (
    name TEXT PRIMARY KEY NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_until BIGINT,
    last_seen_at BIGINT
);
