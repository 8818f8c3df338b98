-- Passwords that came from a KubeCube, of which only an MD5 is known there.

-- argon2id (PHC form) of the hex MD5 that was taken over last. As long as it
-- equals password_hash it is what a login is checked with; whoever writes another
-- password_hash ends that by doing so. It stays after that, so that the next
-- import can tell whether the password was changed in KubeCube meanwhile.
ALTER TABLE users ADD COLUMN imported_hash TEXT;

-- What KubeCube appended to the password before taking its MD5.
ALTER TABLE users ADD COLUMN imported_salt TEXT;
