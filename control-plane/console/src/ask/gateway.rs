//! What a page asks through the gateway: of member clusters, and of the API as its programs
//! reach it.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use cubegate_token::carrier;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

use super::{Ask, MAX_ANSWER, Reader, Refusal, read};

/// An answer of a member cluster.
pub(crate) struct Answer {
    pub(crate) body: Bytes,
}

/// A request as a program makes it with the reader's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) path: String,
    /// Headers by name, beside those that say who asks.
    pub(crate) headers: Vec<(String, String)>,
    /// The media type and the body itself.
    pub(crate) body: Option<(String, String)>,
}

/// What the gateway has answered, whatever that is.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// Where a redirect leads.
    pub(crate) location: Option<String>,
    pub(crate) body: Bytes,
}

// === impl Ask ===

impl Ask {
    /// Asks the member clusters through the gateway; `path` is the gateway's.
    pub(crate) async fn member(&self, path: &str, accept: &str) -> Result<Answer, Refusal> {
        let request = Request::get(path)
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| Refusal::ours(&error))?;
        let response = self.through_gateway(request).await?;
        let status = response.status();
        let body = whole(response).await?;
        if status.is_success() {
            Ok(Answer { body })
        } else {
            Err(Refusal::of(status, &body))
        }
    }

    /// Makes a call of the API through the gateway.
    ///
    /// # Errors
    /// A gateway that does not answer, or a header that cannot be sent.
    pub(crate) async fn call(&self, call: &Call) -> Result<Reply, Refusal> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(header::ACCEPT, "application/json, */*;q=0.5");
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let body = match &call.body {
            Some((media_type, text)) => {
                request = request
                    .header(header::CONTENT_TYPE, media_type)
                    .header(header::CONTENT_LENGTH, text.len());
                Body::from(text.clone())
            }
            None => Body::empty(),
        };
        let request = request.body(body).map_err(|error| Refusal {
            status: StatusCode::BAD_REQUEST,
            message: format!("This cannot be sent: {error}."),
        })?;
        let response = self.through_gateway(request).await?;
        let location = response.headers().get(header::LOCATION);
        Ok(Reply {
            status: response.status(),
            location: location.and_then(|value| Some(value.to_str().ok()?.to_owned())),
            body: whole(response).await?,
        })
    }

    /// Sends a request as the reader: with the token of the cookie, and the reader's address
    /// for the audit log.
    async fn through_gateway(&self, mut request: Request) -> Result<Response, Refusal> {
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        for name in [header::USER_AGENT, HeaderName::from_static("x-request-id")] {
            if let Some(value) = self.carried.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        if let Some(bearer) = bearer(&self.carried) {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        self.put_peer(&mut request);
        let address = cubegate_api::client_address(&self.carried, self.peer.as_ref());
        if let Some(address) = address.filter(|_| !self.user.is_empty()) {
            let user = self.user.clone();
            request.extensions_mut().insert(Reader { user, address });
        }
        let gateway = self.console.gateway.clone();
        gateway.oneshot(request).await.map_err(|error| Refusal {
            status: StatusCode::BAD_GATEWAY,
            message: error.0,
        })
    }
}

// === impl Answer ===

impl Answer {
    /// Reads it.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, Refusal> {
        read(self.body)
    }
}

async fn whole(response: Response) -> Result<Bytes, Refusal> {
    to_bytes(response.into_body(), MAX_ANSWER)
        .await
        .map_err(|error| Refusal::ours(&error))
}

/// Returns the token of the browser's cookie, as a header has it.
fn bearer(carried: &HeaderMap) -> Option<HeaderValue> {
    let cookies = carried.get_all(header::COOKIE).iter();
    let token = carrier::cookie(cookies.filter_map(|value| value.to_str().ok()))?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.as_str())).ok()?;
    bearer.set_sensitive(true);
    Some(bearer)
}
