//! Any bytes as the body of an answer, without a query: whether they are taken
//! for a list, and what becomes of it, is as `serde_json` says.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| cubegate_fuzz::check_document(body));
