-- An e-mail address may stand for the name at a login, so it is one user's only. Of
-- several who have said the same one, the user who has been there for longest keeps it;
-- until now it was none of theirs.
UPDATE users SET email = '' WHERE email <> '' AND EXISTS (
    SELECT 1 FROM users AS older WHERE lower(older.email) = lower(users.email)
    AND (older.created_at < users.created_at
         OR (older.created_at = users.created_at AND older.name < users.name)));
-- Serves "the user with this address" at a login, and keeps addresses apart.
CREATE UNIQUE INDEX users_by_email ON users (lower(email)) WHERE email <> '';

-- Until when logins from addresses that are new for the user are refused, because its
-- password was being guessed. NULL: they are not.
ALTER TABLE users ADD COLUMN locked_until BIGINT;
-- Wrong passwords until then do not count any more. NULL: they all do.
ALTER TABLE users ADD COLUMN unlocked_at BIGINT;

-- From where users have logged in; of each user the last few. The primary key serves
-- "has this user logged in from here".
CREATE TABLE login_addresses (
    user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    -- An IPv4 address, or the first 64 bits of an IPv6 address.
    network TEXT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (user_name, network)
);
