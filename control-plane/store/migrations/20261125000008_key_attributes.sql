-- What the owner of a key says about it; '' where nothing was said.
ALTER TABLE access_keys ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE access_keys ADD COLUMN description TEXT NOT NULL DEFAULT '';
-- NULL: never.
ALTER TABLE access_keys ADD COLUMN expires_at BIGINT;
-- A JSON object as it stands in tokens; '' for a key without bounds.
ALTER TABLE access_keys ADD COLUMN scope TEXT NOT NULL DEFAULT '';
-- Which generation of the key's tokens is good. In revocations, epoch is the lowest
-- such one of a key, too; NULL there: none is.
ALTER TABLE access_keys ADD COLUMN token_epoch BIGINT NOT NULL DEFAULT 1;
-- The secret before the present one, and until when it is good. NULL: there is none.
ALTER TABLE access_keys ADD COLUMN old_secret_hash TEXT;
ALTER TABLE access_keys ADD COLUMN old_secret_until BIGINT;
-- The secret that was imported last, so that the next import can tell whether it was
-- changed at the source or only here.
ALTER TABLE access_keys ADD COLUMN imported_secret_hash TEXT;
-- Those that there are may have been imported; the others' secrets nobody imports.
UPDATE access_keys SET imported_secret_hash = secret_hash;
