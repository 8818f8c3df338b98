-- From which address a key was used last, and which cluster was last asked with a token of it.
-- NULL: nobody knows.
ALTER TABLE access_keys ADD COLUMN last_used_address TEXT;
ALTER TABLE access_keys ADD COLUMN last_used_cluster TEXT;
