-- The key with whose token a key was made; NULL when a login or the command line has
-- made it. A key does not outlive its maker.
ALTER TABLE access_keys ADD COLUMN made_by TEXT;
-- Serves "what this key has made", when it is deleted or gets an end.
CREATE INDEX access_keys_by_maker ON access_keys (made_by);
