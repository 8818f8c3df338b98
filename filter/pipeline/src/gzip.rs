//! The page's compression. It is sent as a reply of the filter's own, which
//! Envoy's compressor does not see.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Below this a header says more than compression saves.
pub(crate) const MIN_BYTES: usize = 1 << 10;

/// A larger page goes out as it is: it would be compressed in one callback, and
/// all other streams of the worker wait for that, at this size for a tenth of a
/// second.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// Level 1 makes a list a ninth of its size; level 6 takes twice the time for
/// another hundredth of it. (Measured in V8 on lists with `managedFields`.
/// `zlib-rs`, the other encoder in plain Rust, takes the same time in wasm and
/// leaves 15 % at its level 1 where `miniz_oxide` leaves 11 %.)
const LEVEL: Compression = Compression::fast();

/// Returns the bytes compressed; `None` if that does not work.
pub(crate) fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let buffer = Vec::with_capacity(body.len() / 4);
    let mut encoder = GzEncoder::new(buffer, LEVEL);
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
