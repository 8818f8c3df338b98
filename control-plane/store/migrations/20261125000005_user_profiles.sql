-- What a user says about themselves; '' where nothing was said.
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN phone TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT '';
-- 1 for a user made over the HTTP API: shown as KubeCube's annotation.
ALTER TABLE users ADD COLUMN by_api BIGINT NOT NULL DEFAULT 0;
