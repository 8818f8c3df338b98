//! How Kubernetes reads requests and says things, once for the filter and the control
//! plane: what one checks is what the other records.
//!
//! - [`RequestInfo`], [`ApiPath`] and [`ListPath`]: what a method, a path and a query ask
//! - [`Family`]: which API a path of the gateway belongs to
//! - [`query`], [`field_selector`], [`quantity`]: texts as Go and Kubernetes read them
//! - [`groups`]: the API groups of Kubernetes itself
//! - [`protobuf`]: objects in the binary form that clients send
//! - [`Status`], [`forbidden`], [`token_review`]: what is answered
//!
//! It deliberately knows nothing of Envoy, SQL or HTTP servers.

mod family;
pub mod field_selector;
pub mod forbidden;
pub mod groups;
mod list_path;
mod path;
pub mod protobuf;
pub mod quantity;
pub mod query;
mod request_info;
mod status;
pub mod token_review;

pub use family::Family;
pub use list_path::ListPath;
pub use path::{API_SERVER_PATHS, ApiPath, is_below};
pub use request_info::{Ambiguous, RequestInfo, ResourceInfo};
pub use status::{Details, Metadata, Reason, Status};
