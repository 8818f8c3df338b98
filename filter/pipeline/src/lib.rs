//! Every decision of the filter, in plain Rust behind a Host trait.
