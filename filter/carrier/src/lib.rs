//! The module that brings a document to the filter, as bytes; `carrier.wat` says what it does.

/// A WebAssembly module for Envoy, of some hundred bytes: they travel with each document.
pub const MODULE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/carrier.wasm"));

#[cfg(test)]
mod tests;
