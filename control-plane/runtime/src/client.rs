//! The gateway from a user's side: what `cubegate credential` and `kubeconfig` have in common.
//!
//! ```text
//! source: a file or the keyring ──> access key or refresh token
//!                                          │ gateway: HTTP
//!                                          v
//! exec <── tokens ──> cache           access token ──exchange──> token for one cluster
//! ```
//!
//! It needs neither database nor data directory, and no secret is ever in an argument, a
//! variable or a message. A cache is one credential's at one gateway, and a lock beside it lets
//! one process at a time renew what is in it: a refresh token is good once, and of two processes
//! that used it at the same time one would end the session.

mod cache;
mod exec;
mod gateway;
mod source;
mod tokens;
mod url;

pub(crate) use self::exec::{EXEC_INFO, ExecInfo};
pub(crate) use self::gateway::GatewayClient;
pub(crate) use self::tokens::Tokens;
pub(crate) use self::url::GatewayUrl;
