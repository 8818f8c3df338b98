//! What handlers are handed: each extractor refuses by itself.

mod body;
mod caller;
mod client_ip;
mod credential;
mod fields;
mod identity;
mod once;
mod query;
mod user_agent;
mod user_name;

pub(crate) use body::RawBody;
pub(crate) use caller::{Admin, Anyone, Caller, WritingCaller};
pub(crate) use client_ip::ClientIp;
pub use client_ip::client_address;
pub(crate) use credential::{Bearer, LeavingCaller, Reaching, is_cross_site, is_of_allowed_origin};
pub(crate) use fields::{form_fields, json_fields, json_object};
pub(crate) use identity::{Identity, NotIdentified, identify, identify_within_bounds};
pub(crate) use once::Once;
pub(crate) use query::Query;
pub(crate) use user_agent::user_agent;
pub(crate) use user_name::{OwnName, UserName};
