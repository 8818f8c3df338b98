//! Users, for themselves and for administrators.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod groups;
pub(crate) mod kubeconfig;
pub(crate) mod list;
pub(crate) mod object;
pub(crate) mod password;
pub(crate) mod sessions;
pub(crate) mod unlock;
pub(crate) mod update;
pub(crate) mod valid;
