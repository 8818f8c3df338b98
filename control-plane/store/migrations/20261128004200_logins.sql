-- Logins that have begun a session, so that an administrator sees and ends them. A row goes
-- with its session; what is not here any more is ended with all others of its user.
CREATE TABLE logins (
    -- The session (`sid` in its tokens).
    session TEXT NOT NULL PRIMARY KEY,
    user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('cookie', 'oauth')),
    began_at BIGINT NOT NULL,
    -- When it ends by itself; one that is in sessions, too, ends when that says.
    ends_at BIGINT NOT NULL,
    -- NULL: nobody knows from where.
    address TEXT,
    user_agent TEXT NOT NULL
);
-- Serves "the logins of this user, newest first".
CREATE INDEX logins_by_user ON logins (user_name, began_at);
-- Serves "forget what has ended".
CREATE INDEX logins_by_end ON logins (ends_at);
