//! Chunk lengths, a query and a body: the engine against the reference.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cubegate_fuzz::check_page(input));
