//! What becomes an audit record, and what handlers add to it.
//!
//! Recorded is every request that changes something or hands out a credential, every
//! one about the audit log itself, and every one that was refused for who asked.
//! Handlers need to do nothing for that: who asks is noted by the extractor that
//! finds it out, what is done to what stands in the endpoint's row ([`Audit`]), the rest in
//! path and answer. What only a handler knows, it adds with a [`Note`].
//!
//! The record of a change is kept in the transaction of the change, and that of a login
//! or another credential before it is handed out: whoever has the answer can count on
//! the record. Everything else goes through the queue, which may lose it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::body::HttpBody as _;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use cubegate_audit::{AuditClass, Record, Source, text};
use cubegate_store::{AuditRow, Changed, Recording, recorded};

pub(crate) use self::rule::Audit;
use crate::extract::ClientIp;
use crate::router::Endpoint;
use crate::{ApiError, AppState};

mod rule;

/// What is noted about the request while it is handled; clones note the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Note(Arc<Mutex<Noted>>);

#[derive(Debug, Clone, Default)]
struct Noted {
    user: Option<String>,
    by_password: bool,
    claimed_user: Option<String>,
    key: Option<String>,
    token: Option<String>,
    cluster: Option<String>,
    name: Option<String>,
}

/// What a record is made from when the request came.
struct Base {
    start: Instant,
    audit: Audit,
    record: Record,
}

/// A record on its way. It is made also when the handler is never finished because the
/// client has gone.
struct Pending {
    state: AppState,
    note: Note,
    base: Arc<Base>,
    /// Of the change that the handler makes, if it makes one.
    recording: Arc<Recording>,
    answered: bool,
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

    /// It was a password that has proved it, and not what was given for one before.
    pub(crate) fn by_password(&self) {
        self.noted().by_password = true;
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
    let endpoint = parts.extensions.get::<Arc<Endpoint>>();
    let audit = endpoint.map_or_else(
        || Audit::of_no_endpoint(&parts.method),
        |endpoint| endpoint.audit,
    );
    let path = parts.uri.path();
    let mut record = Record::new(Source::Api, state.clock.now(), audit.verb);
    record.resource = audit.resource.map(str::to_owned);
    let matched = parts.extensions.get::<MatchedPath>();
    record.name = matched.and_then(|matched| last_variable(matched.as_str(), path));
    record.client = client.map(|ip| ip.to_string());
    record.user_agent = header_text(&parts.headers, header::USER_AGENT.as_str());
    record.request_id = header_text(&parts.headers, "x-request-id");
    record.method = Some(parts.method.to_string());
    record.path = Some(text::path(path));
    record.bytes_in = header_text(&parts.headers, header::CONTENT_LENGTH.as_str())
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let base = Arc::new(Base {
        start: Instant::now(),
        audit,
        record,
    });
    let recording = {
        let (base, note) = (Arc::clone(&base), note.clone());
        Recording::new(move |changed| base.of_change(&note, changed))
    };
    let mut pending = Pending {
        state,
        note,
        base,
        recording: Arc::clone(&recording),
        answered: false,
    };
    let response = recorded(recording, next.run(Request::from_parts(parts, body))).await;
    pending.answered(response).await
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Returns what stands in the path where the matched one has its last `{variable}`.
fn last_variable(matched: &str, path: &str) -> Option<String> {
    let (_, found) = matched
        .split('/')
        .zip(path.split('/'))
        .filter(|(pattern, _)| pattern.starts_with('{'))
        .last()?;
    Some(found.to_owned())
}

// === impl Base ===

impl Base {
    /// The record as far as it is known now.
    fn record(&self, note: &Note, status: Option<StatusCode>) -> Record {
        let Noted {
            user,
            by_password,
            claimed_user: _,
            key,
            token,
            cluster,
            name,
        } = note.noted().clone();
        let mut record = self.record.clone();
        let elapsed = self.start.elapsed().as_millis();
        record.duration_ms = u64::try_from(elapsed).unwrap_or(u64::MAX);
        record.status = status.map(|status| status.as_u16());
        record.class = match user {
            None => AuditClass::Anonymous,
            Some(_)
                if status.is_some_and(|status| status.is_success())
                    && self.audit.is_change(by_password) =>
            {
                AuditClass::Change
            }
            Some(_) => AuditClass::Traffic,
        };
        record.user = user;
        record.key = key;
        record.token_id = token;
        record.cluster = cluster;
        record.name = name.or(record.name);
        record
    }

    /// The row of a change that is about to be committed.
    fn of_change(&self, note: &Note, changed: &Changed<'_>) -> AuditRow {
        let Changed { name, along } = *changed;
        let mut record = self.record(note, Some(StatusCode::OK));
        if let Some(along) = along {
            record = record.again();
            record.resource = Some(along.to_owned());
            record.name = Some(name.to_owned());
        } else if record.name.is_none() && !name.is_empty() {
            record.name = Some(name.to_owned());
        }
        record.into_row()
    }
}

// === impl Pending ===

impl Pending {
    /// Makes the record, unless the handler's change has brought it along.
    async fn answered(&mut self, response: Response) -> Response {
        self.answered = true;
        let status = response.status();
        if (self.recording.is_kept() && status.is_success()) || !self.base.audit.is_recorded(status)
        {
            return response;
        }
        let mut record = self.base.record(&self.note, Some(status));
        record.bytes_out = response.body().size_hint().exact().unwrap_or(0);
        if record.class != AuditClass::Change {
            self.finish(record);
            return response;
        }
        // A credential that is made without a change, a kubeconfig for one.
        match self.state.store.add_audit_rows(&[record.into_row()]).await {
            Ok(()) => response,
            Err(error) => ApiError::from(error).into_response(),
        }
    }

    /// Puts a record into the queue.
    fn finish(&self, mut record: Record) {
        let recorder = self.state.audit.clone();
        let claimed = self.note.noted().claimed_user.clone();
        match claimed {
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
        if self.answered || self.recording.is_kept() || !self.base.audit.is_recorded(StatusCode::OK)
        {
            return;
        }
        let mut record = self.base.record(&self.note, None);
        record.reason = Some("the client left before it was answered".to_owned());
        self.finish(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_name_that_stands_in_the_path() {
        let name = |matched, path| last_variable(matched, path);
        let removed = name("/api/v1/cube/clusters/{name}", "/api/v1/cube/clusters/a");
        assert_eq!(removed.as_deref(), Some("a"));
        assert_eq!(name("/api/v1/cube/key", "/api/v1/cube/key"), None);
    }
}
