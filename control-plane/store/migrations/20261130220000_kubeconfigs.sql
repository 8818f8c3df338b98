-- Kubeconfigs are sessions, too: listed with the logins, ended like them, and made again
-- under the same id. A CHECK cannot be changed in place everywhere, so the table is made anew.
CREATE TABLE logins_with_kubeconfigs (
    -- The session (`sid` in its tokens).
    session TEXT NOT NULL PRIMARY KEY,
    user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('cookie', 'oauth', 'kubeconfig')),
    began_at BIGINT NOT NULL,
    -- When it ends by itself; one that is in sessions, too, ends when that says. Of a
    -- kubeconfig: when the last of its tokens does.
    ends_at BIGINT NOT NULL,
    -- NULL: nobody knows from where.
    address TEXT,
    user_agent TEXT NOT NULL,
    -- The access key by whose token a kubeconfig was made, and which generation of it that
    -- was: it ends with that. NULL: none.
    access_key TEXT,
    key_epoch BIGINT
);
INSERT INTO logins_with_kubeconfigs
    (session, user_name, kind, began_at, ends_at, address, user_agent)
    SELECT session, user_name, kind, began_at, ends_at, address, user_agent FROM logins;
DROP TABLE logins;
ALTER TABLE logins_with_kubeconfigs RENAME TO logins;
-- Serves "the logins of this user, newest first".
CREATE INDEX logins_by_user ON logins (user_name, began_at);
-- Serves "forget what has ended".
CREATE INDEX logins_by_end ON logins (ends_at);
