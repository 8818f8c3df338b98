//! The target `query`.

use cubegate_list::{Limits, ListEngine, ListRequest};

use crate::Meter;

/// A path of n bytes is kept with the rest of it at each of its first 64
/// segments, and there may be as many selectors as bytes.
const BYTES_FOR_A_BYTE: usize = 512;
const BYTES_AT_LEAST: usize = 64 * 1024;

/// # Panics
///
/// If a query is read as it should not.
pub fn check_query(raw: &str, meter: &Meter) {
    let before = meter.start();
    let request = ListRequest::parse(raw);
    let engine = request
        .query
        .clone()
        .map(|query| ListEngine::new(query, Limits::default()));
    let most = BYTES_AT_LEAST + raw.len() * BYTES_FOR_A_BYTE;
    let taken = meter.most().saturating_sub(before);
    assert!(taken <= most, "{taken} bytes for a query of {}", raw.len());
    drop(engine);

    // What goes upstream is none of ours any more, and stays as it is.
    let upstream = &request.upstream_query;
    assert!(
        upstream.len() <= raw.len() + "&pretty=false".len(),
        "{upstream}"
    );
    let again = ListRequest::parse(upstream);
    assert_eq!(&again.upstream_query, upstream);
    assert!(!again.ours_present && !again.is_filter_off, "{upstream}");
    assert_eq!(again.query, ListRequest::parse("").query, "{upstream}");
    assert_eq!(again.streaming, request.streaming, "{upstream}");
    assert_eq!(again.native_present, request.native_present, "{upstream}");

    // Its pairs are the caller's, in order.
    let mut pairs = raw.split('&');
    let (own, pretty) = upstream.rsplit_once('&').unwrap_or(("", upstream));
    assert_eq!(pretty, "pretty=false");
    for pair in own.split('&').filter(|pair| !pair.is_empty()) {
        assert!(pairs.any(|raw| raw == pair), "{pair} is not from {raw}");
    }
}
