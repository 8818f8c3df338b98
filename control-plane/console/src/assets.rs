//! Style, script and icon: in the binary, under names that change with their content.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::Console;

/// A name never means another content, so a browser need not ask again for a year.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A file of `assets/`.
struct Asset {
    name: &'static str,
    file: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Returns the URL of the asset of this name.
pub(crate) fn url(name: &str) -> String {
    let file = ASSETS.iter().find(|asset| asset.name == name);
    format!("/console/assets/{}", file.map_or(name, |asset| asset.file))
}

pub(crate) fn router() -> Router<Console> {
    Router::new().route("/console/assets/{file}", get(serve))
}

async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.file == file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let content_type = match asset.name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "image/svg+xml",
    };
    let takes_brotli = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(is_brotli));
    let mut response = if takes_brotli {
        ([(header::CONTENT_ENCODING, "br")], asset.brotli).into_response()
    } else {
        asset.plain.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, FOR_EVER);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// Returns whether an item of `Accept-Encoding` (RFC 9110, 12.5.3) allows brotli.
fn is_brotli(item: &str) -> bool {
    let mut parts = item.split(';').map(str::trim);
    let is_named = parts.next() == Some("br");
    is_named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the issue of the console allows: 60 kB for script and style together.
    #[test]
    fn the_assets_stay_small() {
        let compressed: usize = ASSETS.iter().map(|asset| asset.brotli.len()).sum();
        assert!(compressed < 60_000, "{compressed} bytes");
    }

    #[test]
    fn brotli_is_given_to_whoever_takes_it() {
        for (item, takes) in [
            ("br", true),
            (" br;q=0.5", true),
            ("br;q=0", false),
            ("br ; q=0.0", false),
            ("gzip", false),
            ("brotli", false),
        ] {
            assert_eq!(is_brotli(item), takes, "{item}");
        }
    }

    #[test]
    fn a_name_tells_the_content() {
        assert!(url("console.css").starts_with("/console/assets/console."));
        assert_ne!(url("console.css"), "/console/assets/console.css");
    }
}
