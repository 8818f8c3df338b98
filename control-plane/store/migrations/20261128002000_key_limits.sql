-- How much may be asked with the key, as it stands in tokens (a JSON object); '' for a
-- key with the limits that all have. Read with the key's other columns.
ALTER TABLE access_keys ADD COLUMN limits TEXT NOT NULL DEFAULT '';
