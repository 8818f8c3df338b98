-- Records of one class never displace those of another:
--   change     what was changed, and who logged in
--   traffic    requests of those who have proved who they are
--   anonymous  requests without a credential, counted by address and minute
ALTER TABLE audit_records ADD COLUMN class TEXT NOT NULL DEFAULT 'change';
UPDATE audit_records SET class = 'traffic' WHERE record LIKE '%"source":"gateway"%';
-- Serves the removal of the oldest of a class, and their number.
CREATE INDEX audit_records_by_class ON audit_records (class, id);
