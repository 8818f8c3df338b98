//! Pages of which a part is asked of a cluster, which may take its time.
//!
//! A part that is there soon stands in the page like any other, and has a say in its status. For
//! one that is not, the frame goes out at once and says what is waited for; the part follows in
//! the same answer, and the style hides that word then. No script is needed.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use futures::stream;
use maud::{Markup, PreEscaped, html};
use tokio::time::timeout;

use crate::layout;
use crate::view::View;

/// A part that takes longer is waited for in the reader's sight.
const SOON: Duration = Duration::from_millis(300);

/// A part of a page.
pub(crate) struct Part {
    /// Of the page, if it is there soon.
    pub(crate) status: StatusCode,
    pub(crate) content: Markup,
}

/// Returns a page with this content and that part behind it, as `#results`. `waiting` is said
/// while it is not there.
pub(crate) async fn page(
    view: &View,
    title: &str,
    content: Markup,
    waiting: &str,
    part: impl Future<Output = Part> + Send + 'static,
) -> Response {
    let mut part = Box::pin(part);
    if let Ok(Part {
        status,
        content: there,
    }) = timeout(SOON, pin!(&mut part)).await
    {
        let content = html! { (content) (results(&there)) };
        return layout::page_with(view, status, title, content).into_response();
    }
    // Nobody who writes into a page knows the sign.
    let sign = format!("<!--{:032x}-->", rand::random::<u128>());
    let content = html! {
        (content)
        div.waiting role="status" { span.spinner aria-hidden="true" {} (waiting) }
        (PreEscaped(&sign))
    };
    let document = layout::page(view, title, content).into_document();
    let (before, behind) = document.split_once(&sign).unwrap_or((&document, ""));
    let (before, behind) = (before.to_owned(), behind.to_owned());
    let rest = async move { results(&part.await.content).into_string() + &behind };
    let body = stream::once(ready(before)).chain(stream::once(rest));
    let body = Body::from_stream(body.map(|text| Ok::<_, Infallible>(Bytes::from(text))));
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

fn results(content: &Markup) -> Markup {
    html! { div #results { (content) } }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use tokio::time::sleep;

    use super::*;

    async fn made(takes: Duration) -> (StatusCode, Vec<String>) {
        let part = async move {
            sleep(takes).await;
            Part {
                status: StatusCode::FORBIDDEN,
                content: html! { "the part" },
            }
        };
        let view = View::plain();
        let answer = page(&view, "A title", html! { "before" }, "Wait", part).await;
        let status = answer.status();
        let mut stream = answer.into_body().into_data_stream();
        let mut chunks = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = to_bytes(Body::from(chunk.unwrap()), usize::MAX)
                .await
                .unwrap();
            chunks.push(String::from_utf8(chunk.to_vec()).unwrap());
        }
        (status, chunks)
    }

    #[tokio::test]
    async fn a_part_that_is_there_soon_stands_in_the_page() {
        let (status, chunks) = made(Duration::ZERO).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let whole = chunks.concat();
        assert!(
            whole.contains(r#"<div id="results">the part</div>"#),
            "{whole}"
        );
        assert!(!whole.contains("Wait"));
    }

    #[tokio::test]
    async fn a_part_that_takes_its_time_follows_the_frame() {
        let (status, chunks) = made(SOON * 2).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(chunks.len(), 2);
        let (frame, rest) = (&chunks[0], &chunks[1]);
        assert!(
            frame.contains("before") && frame.contains("Wait"),
            "{frame}"
        );
        assert!(
            rest.starts_with(r#"<div id="results">the part</div>"#),
            "{rest}"
        );
        assert!(rest.ends_with("</html>"), "{rest}");
    }
}
