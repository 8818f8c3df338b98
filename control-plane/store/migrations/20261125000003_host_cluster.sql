-- The cluster that paths mean which name none. NULL: none. Until now it was the one
-- that was registered first.
ALTER TABLE installation ADD COLUMN host_cluster TEXT REFERENCES clusters (name) ON DELETE SET NULL;
UPDATE installation SET host_cluster = (SELECT name FROM clusters ORDER BY created_at, name LIMIT 1) WHERE id = 1;
