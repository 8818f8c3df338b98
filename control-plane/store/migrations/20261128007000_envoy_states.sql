-- More of each connected Envoy, as JSON: its version and address, since when it is connected, and
-- what it has accepted and refuses. Only ever read whole, with its row.
ALTER TABLE envoys ADD COLUMN state TEXT NOT NULL DEFAULT '{}';
