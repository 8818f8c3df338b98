//! JSON documents of our own making, whole and cut, with `serde_json` as the
//! judge: what it refuses never becomes a page, and what it accepts becomes
//! exactly the page that its tree says.
//!
//! The engine reads a body in blocks of 64 bytes and in chunks that end
//! anywhere, so most of it is about where in a block something stands.
#![cfg(not(target_arch = "wasm32"))]
#![cfg(test)] // for clippy.toml, which lets tests stop at the first surprise
#![expect(clippy::string_slice, reason = "these texts are cut where it is right")]

mod accepted;
mod borders;
mod check;
mod fields;
mod fragments;
mod judge;
mod mutations;
mod odd;
mod places;
#[path = "../engine/reference.rs"]
mod reference;
mod rejected;
mod run;
mod strings;
