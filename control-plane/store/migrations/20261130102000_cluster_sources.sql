-- By what a cluster was registered as it is now: 'api', 'cli' or 'import'; '' where nobody knows.
ALTER TABLE clusters ADD COLUMN source TEXT NOT NULL DEFAULT '';
