//! The list query language and the streaming engine that turns a Kubernetes
//! list into a page.
//!
//! A Kubernetes API server can select a list by labels and cut it into chunks,
//! but it cannot sort it, and it does not count what a page of it is a page of.
//! This crate does both to a list body while the body streams through, and
//! keeps in memory only the items that can still be on the page.
//!
//! ```text
//!  query string ──ListRequest──> ListQuery {selector, sort, page}
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
//! # The query language
//!
//! ```text
//! selector  = segment *( "," segment )        all conditions must hold
//! segment   = path "=" value *( "|" value )   equals one of them, ignoring case
//!           / path "~" text                   contains it, case-sensitive
//! path      = name *( "." name )
//! pageSize  = integer      10 by default      0: only the total
//! pageNum   = integer      1 by default
//! sortName  = path         metadata.name by default
//! sortOrder = "desc"       in any case; everything else is ascending
//! sortFunc  = "number" / "time" / "string"    everything else is "string"
//! ```
//!
//! Nothing of it can be wrong: what does not fit is ignored or takes its
//! default. Names of parameters are case-sensitive, and of a parameter that is
//! given twice the first value counts.
//!
//! ## Selectors
//!
//! - The value is percent-decoded before it is split, so `%2C` splits as well
//!   and a value cannot contain a comma. Nothing is trimmed.
//! - The first `=` or `~` of a segment splits it. A segment without one, or
//!   with nothing before it, is ignored. So `a==b` asks for the value `=b` and
//!   `a!=b` for the field `a!`.
//! - The same path with the same operator again replaces the former condition;
//!   with both operators both hold.
//! - Numbers and booleans compare by their JSON text. What is missing or `null`
//!   is the empty text, so `a=` finds items without `a` and `a~` finds all
//!   that have no object there. An array passes if one of its scalars does (an
//!   empty one never), and an object never passes.
//!
//! ```ignore-wasm32
//! # use cubegate_list::{Finished, Limits, ListEngine, ListRequest};
//! fn select(selector: &str) -> String {
//!     let items = r#"{"n":5},{"n":"Five","t":["x","y"]},{"l":[{"k":1},{"k":2}]}"#;
//!     let request = ListRequest::parse(&format!("selector={selector}"));
//!     let mut engine = ListEngine::new(request.query.unwrap(), Limits::default());
//!     engine.push(format!(r#"{{"items":[{items}]}}"#).as_bytes()).unwrap();
//!     match engine.finish() {
//!         Ok(Finished::Page(page)) => String::from_utf8(page).unwrap(),
//!         other => panic!("{other:?}"),
//!     }
//! }
//! assert_eq!(select("n=5|six"), r#"{"items":[{"n":5}],"total":1}"#);
//! assert_eq!(select("n=FIVE,t=y"), r#"{"items":[{"n":"Five","t":["x","y"]}],"total":1}"#);
//! assert_eq!(select("n="), r#"{"items":[{"l":[{"k":1},{"k":2}]}],"total":1}"#);
//! // An array on the way is entered at its first element.
//! assert_eq!(select("l.k=1"), r#"{"items":[{"l":[{"k":1},{"k":2}]}],"total":1}"#);
//! assert_eq!(select("l.k=2"), r#"{"items":[],"total":0}"#);
//! ```
//!
//! ## Paths
//!
//! - An array on the way is entered at its first element; there is no index.
//! - After a segment named `labels` or `annotations` the rest is one key:
//!   `metadata.labels.app.kubernetes.io/name`.
//! - Elsewhere the member named by the next segment is followed, and if that
//!   comes to nothing the member named by the whole remaining path is taken:
//!   `spec.selector.matchLabels.app.kubernetes.io/name`.
//! - Of members with the same name the last one counts. An item that is no
//!   object has no fields.
//!
//! ## Order and pages
//!
//! - `string` sorts by bytes; numbers and booleans by their JSON text; what is
//!   missing, an array or an object is the empty text.
//! - `number` takes JSON numbers and numbers in strings, and everything else
//!   for 0; integers compare exactly, however long.
//! - `time` takes RFC 3339 with any offset; everything else is last in either
//!   direction.
//! - Ties go by namespace, then name, ascending in either direction, and then
//!   by the place in the upstream's list.
//! - `name`, `creationTimestamp` and `CreationTimestamp` stand for
//!   `metadata.name` and `metadata.creationTimestamp`.
//! - Integers may have a sign and leading zeros. A size that is negative, no
//!   integer or beyond 64 bits is 10, such a number (or 0) is 1. A page past
//!   the end is empty.
//!
//! ```ignore-wasm32
//! # use cubegate_list::{Finished, Limits, ListEngine, ListRequest};
//! # fn sort(query: &str) -> String {
//! #     let items = r#"{"v":"10"},{"v":9},{},{"v":"2021-06-01T00:00:00Z"}"#;
//! #     let mut engine = ListEngine::new(ListRequest::parse(query).query.unwrap(), Limits::default());
//! #     engine.push(format!(r#"{{"items":[{items}]}}"#).as_bytes()).unwrap();
//! #     let Ok(Finished::Page(page)) = engine.finish() else { panic!() };
//! #     let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
//! #     page["items"].to_string()
//! # }
//! assert_eq!(sort("sortName=v&pageSize=3"), r#"[{},{"v":"10"},{"v":"2021-06-01T00:00:00Z"}]"#);
//! assert_eq!(sort("sortName=v&sortFunc=number&sortOrder=desc&pageSize=2"), r#"[{"v":"10"},{"v":9}]"#);
//! assert_eq!(sort("sortName=v&sortFunc=time&pageSize=1"), r#"[{"v":"2021-06-01T00:00:00Z"}]"#);
//! assert_eq!(sort("sortName=v&pageSize=3&pageNum=2"), r#"[{"v":9}]"#);
//! ```
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

mod block;
mod condition;
mod derived;
mod engine;
mod envelope;
mod error;
mod expression;
mod fields;
mod filter;
mod fold;
mod form;
mod heap;
mod object;
mod page;
mod path;
mod plan;
mod projection;
mod query;
mod rank;
mod reading;
mod request;
mod scanner;
mod selector;
mod sort;
mod strict;
mod table;
mod typed;
mod value;

pub use engine::{Finished, Limits, ListEngine, Progress};
pub use error::{ListError, QueryError};
pub use page::Page;
pub use path::KeyPath;
pub use projection::Projection;
pub use query::{Answer, ListQuery};
pub use reading::{Keys, ObjectKey, Reading, Uncounted};
pub use request::ListRequest;
pub use selector::Selector;
pub use sort::{Sort, SortKind};
pub use typed::ValueType;
