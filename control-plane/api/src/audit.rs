//! What becomes an audit record, and what handlers add to it.
//!
//! Recorded is every request that changes something or hands out a credential, every
//! one about the audit log itself, and every one that was refused for who asked.
//! Handlers need to do nothing for that: who asks is noted by the extractor that
//! finds it out, the rest stands in method, path and answer. What only a handler
//! knows, it adds with a [`Note`].

use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::body::HttpBody as _;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use cubegate_audit::{Record, Source, text};

use crate::AppState;
use crate::extract::ClientIp;

mod table;

/// What is noted about the request while it is handled; clones note the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Note(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    user: Option<String>,
    claimed_user: Option<String>,
    key: Option<String>,
    token: Option<String>,
    cluster: Option<String>,
    name: Option<String>,
}

/// A record on its way. It is made also when the handler is never finished
/// because the client has gone: something may have changed by then.
struct Pending {
    state: AppState,
    note: Note,
    start: Instant,
    method: Method,
    /// The path of the URL table; `None` when it is not in there.
    matched: Option<String>,
    record: Option<Box<Record>>,
}

// === impl Note ===

impl Note {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        // Every write is of one field, so nothing is ever half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who it is: a token or a password has proved it.
    pub(crate) fn user(&self, name: &str) {
        self.noted().user = Some(name.to_owned());
    }

    /// Who somebody says to be. It is recorded if there is such a user, or else
    /// it may be a password that was typed into the wrong field.
    pub(crate) fn claimed_user(&self, name: &str) {
        self.noted().claimed_user = Some(name.to_owned());
    }

    /// The access key by which somebody proves who it is. It must be one that
    /// exists: what does not may be a secret in the wrong place.
    pub(crate) fn key(&self, access_key: &str) {
        self.noted().key = Some(access_key.to_owned());
    }

    /// The id of the token by which somebody proves who it is.
    pub(crate) fn token(&self, id: &str) {
        self.noted().token = Some(id.to_owned());
    }

    /// The cluster that it is about.
    pub(crate) fn cluster(&self, name: &str) {
        self.noted().cluster = Some(name.to_owned());
    }

    /// The name of what was made, changed or deleted. Not noted it is the variable
    /// part of the path, if there is one.
    pub(crate) fn name(&self, name: &str) {
        self.noted().name = Some(name.to_owned());
    }
}

impl<S: Sync> FromRequestParts<S> for Note {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// Makes the record of a request, if it is to be recorded.
pub(crate) async fn record(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let note = Note::default();
    parts.extensions.insert(note.clone());
    let Ok(ClientIp(client)) = ClientIp::from_request_parts(&mut parts, &state).await;
    let matched = parts.extensions.get::<MatchedPath>();
    let matched = matched.map(|path| path.as_str().to_owned());
    let path = parts.uri.path();
    let template = matched.as_deref().unwrap_or_default();
    let now = state.clock.now();
    let mut record = Record::new(Source::Api, now, table::verb(&parts.method, template));
    record.resource = table::resource(template).map(str::to_owned);
    record.name = table::variable(template, path);
    record.client = client.map(|ip| ip.to_string());
    record.user_agent = header_text(&parts.headers, header::USER_AGENT.as_str());
    record.request_id = header_text(&parts.headers, "x-request-id");
    record.method = Some(parts.method.to_string());
    record.path = Some(text::path(path));
    record.bytes_in = header_text(&parts.headers, header::CONTENT_LENGTH.as_str())
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut pending = Pending {
        note,
        start: Instant::now(),
        method: parts.method.clone(),
        matched,
        record: Some(Box::new(record)),
        state,
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    pending.answered(&response);
    response
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

// === impl Pending ===

impl Pending {
    fn answered(&mut self, response: &Response) {
        let Some(mut record) = self.record.take() else {
            return;
        };
        let status = response.status();
        if !table::is_recorded(&self.method, self.matched.as_deref(), status) {
            return;
        }
        record.status = Some(status.as_u16());
        record.bytes_out = response.body().size_hint().exact().unwrap_or(0);
        self.finish(*record);
    }

    fn finish(&self, mut record: Record) {
        let Noted {
            user,
            claimed_user,
            key,
            token,
            cluster,
            name,
        } = mem::take(&mut *self.note.noted());
        let elapsed = self.start.elapsed().as_millis();
        record.duration_ms = u64::try_from(elapsed).unwrap_or(u64::MAX);
        record.user = user;
        record.key = key;
        record.token_id = token;
        record.cluster = cluster;
        record.name = name.or(record.name);
        let recorder = self.state.audit.clone();
        match claimed_user {
            Some(claimed) if record.user.is_none() => {
                // Not while the client waits: it could measure whether there is
                // such a user.
                let store = self.state.store.clone();
                tokio::spawn(async move {
                    if let Ok(Some(user)) = store.get_user(&claimed).await {
                        record.user = Some(user.name);
                    }
                    recorder.record(record);
                });
            }
            _ => recorder.record(record),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some(mut record) = self.record.take() else {
            return;
        };
        if table::is_recorded(&self.method, self.matched.as_deref(), StatusCode::OK) {
            record.reason = Some("the client left before it was answered".to_owned());
            self.finish(*record);
        }
    }
}
