-- What the Envoys of each running control plane have taken and refuse. A row is written again
-- and again while its stream lasts; one that is not is of a process that has ended.
CREATE TABLE envoys (
    control_plane TEXT NOT NULL,
    stream BIGINT NOT NULL,
    node TEXT NOT NULL,
    revision BIGINT NOT NULL,
    refusals TEXT NOT NULL,
    reported_at BIGINT NOT NULL,
    PRIMARY KEY (control_plane, stream)
);
