//! Users, keys and clusters on SQLite.
