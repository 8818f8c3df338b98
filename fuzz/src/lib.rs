//! What the fuzz targets have in common: the judge of the documents tests, the
//! reference of the engine tests, and how an input is read.

// The tests' own modules, so that a target and a test cannot disagree on what
// is right.
#[path = "../../common/list/tests/documents/judge.rs"]
pub(crate) mod judge;
#[path = "../../common/list/tests/engine/reference.rs"]
pub(crate) mod reference;
#[path = "../../common/list/tests/documents/run.rs"]
pub(crate) mod run;

mod documents;
mod input;
mod meter;
mod pages;
mod queries;

pub use documents::check_document;
pub use meter::Meter;
pub use pages::check_page;
pub use queries::check_query;
