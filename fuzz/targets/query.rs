//! Any text as a query string.
#![no_main]

use cubegate_fuzz::Meter;

#[global_allocator]
static METER: Meter = Meter::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(raw) = std::str::from_utf8(bytes) {
        cubegate_fuzz::check_query(raw, &METER);
    }
});
