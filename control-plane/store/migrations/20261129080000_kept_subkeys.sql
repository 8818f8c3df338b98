-- What stays when the master key is replaced: the pepper under which secrets are hashed, and what
-- makes the passes of routes, sealed under the new one. NULL: they are derived from the master key.
ALTER TABLE installation ADD COLUMN kept_subkeys TEXT;
