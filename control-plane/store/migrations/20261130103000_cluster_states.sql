-- The control planes that run. A row is written again and again; one that is not is of a
-- process that has ended.
CREATE TABLE control_planes (
    id TEXT PRIMARY KEY NOT NULL,
    reported_at BIGINT NOT NULL
);
-- How each of them sees the clusters, as JSON that is only ever read whole. A row is written
-- when there is something new to say.
CREATE TABLE cluster_states (
    control_plane TEXT NOT NULL,
    cluster TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (control_plane, cluster)
);
