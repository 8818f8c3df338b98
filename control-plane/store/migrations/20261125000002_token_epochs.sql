-- Which generation of a user's tokens is good: a user who is disabled or gets another
-- password begins a new one.
ALTER TABLE users ADD COLUMN token_epoch BIGINT NOT NULL DEFAULT 1;
