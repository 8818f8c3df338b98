//! Access keys and the tokens made from them.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod rotate;
pub(crate) mod token;
pub(crate) mod update;

mod attributes;
