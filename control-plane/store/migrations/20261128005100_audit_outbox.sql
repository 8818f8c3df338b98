-- Where records are sent, beside being kept here.
CREATE TABLE audit_sinks (
    name TEXT NOT NULL PRIMARY KEY,
    -- The control plane that sends, and until when (Unix seconds) no other one does.
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL
);
-- Which records are still to be sent, by the sink. A row is made in the transaction of
-- the record and goes when the record has arrived, or with the record.
CREATE TABLE audit_outbox (
    sink TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (sink, id)
);
-- Serves the removal of records that are kept no longer.
CREATE INDEX audit_outbox_by_id ON audit_outbox (id);
