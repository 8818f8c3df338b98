//! The engine from outside: what it makes of whole documents, cut anywhere.
#![cfg(not(target_arch = "wasm32"))]
#![cfg(test)] // for clippy.toml, which lets tests stop at the first surprise

mod hostile;
mod language;
mod limits;
mod malformed;
mod memory;
mod odd;
mod page;
mod passthrough;
mod random;
mod reading;
mod reference;
mod support;
mod table;
