//! What browsers are told about every page: run our own script alone, keep nothing, show it
//! in no frame.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// What proves to a browser that a script or style was named by us: new for each answer, so
/// that nobody who writes into a page can know it.
#[derive(Debug, Clone)]
pub(crate) struct Nonce(pub(crate) String);

// === impl Nonce ===

impl Nonce {
    fn new() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// Returns the policy of pages (Content Security Policy Level 3), which may ask these
    /// addresses. Scripts and style are those that a page names itself: `'self'` would let in
    /// what clusters answer, which has addresses of this origin. Nothing stands inline, and no
    /// text becomes markup or code.
    fn policy(&self, asked: &str) -> String {
        let Self(nonce) = self;
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
             img-src 'self'; connect-src {asked}; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        )
    }
}

/// Sets them, where a page has set none of its own.
pub(crate) async fn set(mut request: Request, next: Next) -> Response {
    let nonce = Nonce::new();
    request.extensions_mut().insert(nonce.clone());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(nonce.policy("'self'")) {
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(policy);
    }
    for (name, value) in HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Sets the policy of the API's reference, which shows what calls have answered: it may ask the
/// page that tries them, and nothing else of this origin.
pub(crate) async fn set_of_reference(request: Request, next: Next) -> Response {
    let nonce = request.extensions().get::<Nonce>().cloned();
    let host = host(&request);
    let mut response = next.run(request).await;
    let (Some(nonce), Some(host)) = (nonce, host) else {
        return response;
    };
    // Without a scheme it is the page's.
    let policy = nonce.policy(&format!("{host}{}", crate::pages::TRY));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Returns the host by which a request came, if that is one: HTTP/2 has it in the request line.
fn host(request: &Request) -> Option<Authority> {
    let host = match request.uri().authority() {
        Some(authority) => authority.clone(),
        None => Authority::try_from(request.headers().get(header::HOST)?.as_bytes()).ok()?,
    };
    // These end what a policy says.
    (!host.as_str().contains([';', ',', '\'', '*', '@'])).then_some(host)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_host_that_is_none_stands_in_no_policy() {
        for (said, is_one) in [
            ("gateway.example:30443", true),
            ("[::1]:30443", true),
            ("a;script-src *", false),
            ("a;b", false),
            ("a,b", false),
            ("a'b", false),
            ("", false),
        ] {
            let request = Request::get("/console/docs").header(header::HOST, said);
            let request = request.body(Body::empty()).unwrap();
            assert_eq!(host(&request).is_some(), is_one, "{said}");
        }
    }
}
