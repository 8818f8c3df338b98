//! Who may do what in the host cluster, as its own RBAC says.

pub(crate) mod access;
pub(crate) mod bindings;
pub(crate) mod identities;
pub(crate) mod roles;
