//! The list query language and the streaming engine that turns a Kubernetes
//! list into a page.
//!
//! A Kubernetes API server can select a list by labels and cut it into chunks,
//! but it cannot sort it, and it does not count what a page of it is a page of.
//! This crate does both to a list body while the body streams through, and
//! keeps in memory only the items that can still be on the page.
//!
//! ```text
//!  query string ──ListRequest──> ListQuery {selector, sort, page, projection}
//!                                     │
//!  body, chunk by chunk               v
//!    ──push──> scanner ──item──> fields ──> selector ──> heap of offset+limit
//!                 │                         (total + 1)      │
//!                 └──other members──> envelope               │
//!                                         └───────┬──────────┘
//!                            finish               v
//!                 {envelope…, "items":[raw items], …, "total":N}
//! ```
//!
//! What it deliberately does not do: it makes no request and reads no header,
//! it does not decompress, it does not re-serialise an item (numbers of any
//! length, duplicate keys and unknown fields leave as they came), and it never
//! answers with a part of a list: a body that is malformed, cut short or too
//! large is an error. It runs on the host and in wasm alike.
//!
//! # Example
//!
//! ```ignore-wasm32
//! use cubegate_list::{Finished, Limits, ListEngine, ListRequest, Progress};
//!
//! let request = ListRequest::parse("selector=metadata.name~web&pageSize=1&labelSelector=a%3Db");
//! assert!(request.decides_page());
//! assert_eq!(request.upstream_query, "labelSelector=a%3Db&pretty=false");
//!
//! let mut engine = ListEngine::new(request.query?, Limits::default());
//! for chunk in [
//!     r#"{"kind":"PodList","items":[{"metadata":{"name":"web-2"}},{"meta"#,
//!     r#"data":{"name":"db"}},{"metadata":{"name":"web-1"}}],"metadata":{}}"#,
//! ] {
//!     assert_eq!(engine.push(chunk.as_bytes())?, Progress::Held);
//! }
//! let page = r#"{"kind":"PodList","items":[{"metadata":{"name":"web-1"}}],"metadata":{},"total":2}"#;
//! assert_eq!(engine.finish()?, Finished::Page(page.into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What can be asked, and how, is on one page: [`query_language`].
//!
//! # What becomes of a body
//!
//! | body | outcome |
//! |---|---|
//! | an object with an `items` array | a page; an upstream's `total` is replaced |
//! | any other object, once it is complete or larger than an envelope may be | passed through |
//! | an array, a text, nothing at all | passed through |
//! | a list that is not JSON by `serde_json`'s rules, begins with a byte order mark, goes on after its end, or has two `items` | [`ListError::Malformed`] |
//! | a list that ends too early | [`ListError::Truncated`] |
//! | a list beyond the [`Limits`] | an error that says what to narrow |

pub mod kubesphere;
#[doc = include_str!("../../../docs/query-language.md")]
pub mod query_language {}

mod block;
mod bounds;
mod condition;
mod derived;
mod engine;
mod envelope;
mod error;
mod expression;
mod fields;
mod filter;
mod fold;
mod heap;
mod object;
mod page;
mod path;
mod pieces;
mod plan;
mod projection;
mod query;
mod rank;
mod raw;
mod reading;
mod request;
mod rest;
mod scanner;
mod selector;
mod sort;
mod strict;
mod table;
mod typed;
mod value;
mod work;

pub use block::instruction_set;
pub use engine::{Finished, ItemCounts, Keys, Limits, ListEngine, Progress, Uncounted};
pub use error::{ListError, QueryError};
pub use page::Page;
pub use path::KeyPath;
pub use projection::Projection;
pub use query::{ListQuery, PageForm};
pub use reading::{ObjectKey, Reading};
pub use request::ListRequest;
pub use selector::Selector;
pub use sort::{Sort, SortKind};
pub use typed::ValueType;
