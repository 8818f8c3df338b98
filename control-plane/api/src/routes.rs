//! One file per operation: request, handler, answer.

pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod health;
pub(crate) mod key;
pub(crate) mod login;
pub(crate) mod not_found;
pub(crate) mod oauth;
pub(crate) mod root;
pub(crate) mod user;
