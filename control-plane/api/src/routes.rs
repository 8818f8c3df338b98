//! One file per operation: request, handler, answer.

pub(crate) mod audit;
pub(crate) mod authorization;
pub(crate) mod cluster;
pub(crate) mod extend;
pub(crate) mod health;
pub(crate) mod key;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod not_found;
pub(crate) mod oauth;
pub(crate) mod openapi;
pub(crate) mod root;
pub(crate) mod user;
pub(crate) mod version;
pub(crate) mod warden;
