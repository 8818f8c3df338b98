-- Requests that are not done a second time (`Idempotency-Key`), because what they have answered
-- was shown once: of each user the last few. The primary key serves "was this one done".
CREATE TABLE idempotency_keys (
    user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    id TEXT NOT NULL,
    done_at BIGINT NOT NULL,
    PRIMARY KEY (user_name, id)
);
