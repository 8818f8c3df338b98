//! The list query language and the streaming engine that turns a Kubernetes list into a page.
