//! The page's compression. It is sent as a reply of the filter's own, which
//! Envoy's compressor does not see.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Below this a header says more than compression saves.
pub(crate) const MIN_BYTES: usize = 1 << 10;

/// Of a worker's time a page may take little: level 1 makes a list a tenth of
/// its size already, and each higher level costs a multiple for a few percent.
const LEVEL: Compression = Compression::fast();

/// The same, compressed; `None` if that does not work.
pub(crate) fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let buffer = Vec::with_capacity(body.len() / 4);
    let mut encoder = GzEncoder::new(buffer, LEVEL);
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
