//! What the API counts. No label has a value that a caller chooses: routes are those of the
//! URL table, reasons and results are words of this file.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::ApiError;
use crate::error::OauthError;
use crate::password::Refused;

/// Upper bounds in seconds; a password takes some 50 ms to check.
const BUCKETS: [f64; 8] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What is at no path of the table.
const NO_ROUTE: &str = "none";

/// A word for what has happened, by the name of the label.
type Word = [(&'static str, &'static str); 1];

/// A route of the table.
type Route = [(&'static str, String); 1];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    kind: &'static str,
    reason: &'static str,
}

/// The counters of the API; clones are the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    open: Gauge,
    issued: Family<Word, Counter>,
    not_issued: Family<Asked, Counter>,
    rejected: Family<Word, Counter>,
    logins: Family<Word, Counter>,
}

/// A token that is made, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Cookie,
    Oauth,
    Refresh,
    Kubeconfig,
    Check,
    Other,
}

/// A request that is under way, until it is dropped.
struct Open(Gauge);

// === impl Metrics ===

impl Metrics {
    /// Has the counters be read with a registry's.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "api_requests",
            "Requests that the control plane has answered, by route of its API",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "api_request_duration",
            "From a request's head to the head of its answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "api_requests_in_flight",
            "Requests that are not answered yet",
            self.open.clone(),
        );
        registry.register(
            "tokens_issued",
            "Tokens that were made",
            self.issued.clone(),
        );
        registry.register(
            "tokens_not_issued",
            "Requests for a token that were refused",
            self.not_issued.clone(),
        );
        registry.register(
            "tokens_rejected",
            "Tokens that were shown to the control plane and not taken",
            self.rejected.clone(),
        );
        registry.register(
            "logins",
            "Names and passwords that were checked",
            self.logins.clone(),
        );
    }

    pub(crate) fn issued(&self, kind: Kind) {
        self.issued.get_or_create(&[("kind", kind.word())]).inc();
    }

    /// A token was asked for with an access key.
    pub(crate) fn key_token<T>(&self, outcome: &Result<T, ApiError>) {
        let Err(error) = outcome else { return };
        let reason = match error {
            ApiError::KeyNotExist => "unknown_key",
            ApiError::SecretNotMatch => "wrong_secret",
            ApiError::KeyExpired => "key_expired",
            ApiError::UserDisabled | ApiError::UserNotExist => "user",
            ApiError::TooManyRequests { .. } => "throttled",
            _ => "failed",
        };
        self.not_issued("key", reason);
    }

    /// A token was asked for at `/oauth/token`.
    pub(crate) fn oauth_token<T>(&self, outcome: &Result<T, OauthError>) {
        let Err(error) = outcome else { return };
        let reason = match error {
            OauthError::UnknownClient | OauthError::ClientCredential => "client",
            OauthError::Password => "password",
            OauthError::RefreshToken => "refresh_token",
            OauthError::Suspended | OauthError::UserGone => "user",
            OauthError::TooMany { .. } => "throttled",
            OauthError::Busy { .. } => "busy",
            OauthError::Internal(_) => "failed",
            _ => "request",
        };
        self.not_issued("oauth", reason);
    }

    fn not_issued(&self, kind: &'static str, reason: &'static str) {
        let asked = Asked { kind, reason };
        self.not_issued.get_or_create(&asked).inc();
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        self.rejected.get_or_create(&[("reason", reason)]).inc();
    }

    pub(crate) fn login<T>(&self, outcome: &Result<T, Refused>) {
        let result = match outcome {
            Ok(_) => "ok",
            Err(Refused::TooMany(_)) => "throttled",
            Err(Refused::Wrong) => "wrong",
            Err(Refused::Disabled) => "disabled",
            Err(Refused::Busy { .. }) => "busy",
            Err(Refused::NotChecked(_)) => "failed",
        };
        self.logins.get_or_create(&[("result", result)]).inc();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let this = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            open: Gauge::default(),
            issued: Family::default(),
            not_issued: Family::default(),
            rejected: Family::default(),
            logins: Family::default(),
        };
        // Rates need a first value: what never happened is 0.
        for kind in Kind::ALL {
            drop(this.issued.get_or_create(&[("kind", kind.word())]));
        }
        for result in ["ok", "wrong", "throttled", "disabled", "busy", "failed"] {
            drop(this.logins.get_or_create(&[("result", result)]));
        }
        this
    }
}

// === impl Kind ===

impl Kind {
    const ALL: [Self; 7] = [
        Self::Key,
        Self::Cookie,
        Self::Oauth,
        Self::Refresh,
        Self::Kubeconfig,
        Self::Check,
        Self::Other,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Cookie => "cookie",
            Self::Oauth => "oauth",
            Self::Refresh => "refresh",
            Self::Kubeconfig => "kubeconfig",
            Self::Check => "check",
            Self::Other => "other",
        }
    }
}

// === impl Open ===

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts each request, also those whose clients leave before the answer.
pub(crate) async fn count(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(NO_ROUTE, MatchedPath::as_str);
    // Both forms of a path, with and without a slash at the end, are one route.
    let trimmed = route.strip_suffix('/').filter(|rest| !rest.is_empty());
    let route = trimmed.unwrap_or(route).to_owned();
    let method = word_of(request.method());
    let _open = Open::new(&metrics.open);
    let began = Instant::now();
    let response = next.run(request).await;
    let of_route = metrics.seconds.get_or_create(&[("route", route.clone())]);
    of_route.observe(began.elapsed().as_secs_f64());
    let answered = Answered {
        route,
        method,
        code: response.status().as_u16(),
    };
    metrics.requests.get_or_create(&answered).inc();
    response
}

/// A client may make methods up.
fn word_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn methods_that_a_client_makes_up_are_one_word() {
        let made_up = Method::from_bytes(b"MADE-UP").unwrap();
        assert_eq!(word_of(&made_up), "other");
        assert_eq!(word_of(&Method::GET), "GET");
    }

    #[test]
    fn what_never_happened_is_zero_and_there() {
        let mut registry = Registry::default();
        let metrics = Metrics::default();
        metrics.register(&mut registry);
        metrics.login::<()>(&Err(Refused::Wrong));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(text.contains("logins_total{result=\"ok\"} 0"), "{text}");
        assert!(text.contains("logins_total{result=\"wrong\"} 1"), "{text}");
    }
}
