//! KubeSphere's way to tokens: OAuth 2.0 (RFC 6749) and what belongs to it.

pub(crate) mod authenticate;
pub(crate) mod authorize;
mod client;
pub(crate) mod discovery;
mod form;
pub(crate) mod keys;
pub(crate) mod logout;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod userinfo;
