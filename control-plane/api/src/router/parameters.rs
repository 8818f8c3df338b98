//! Query parameters that an operation does not have. A misspelt one would be passed over,
//! and the answer would be about something else.
//!
//! Of the operations that are ours alone every unknown one is refused. KubeCube passes over
//! what it does not know, and its clients send such things; so of its operations only one
//! that is nearly another one is refused, which nobody means as it stands.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use cubegate_api_types::cube::message;
use cubegate_domain::{nearest, nearest_within};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, ParameterIn};

use super::Endpoint;
use crate::extract::Caller;
use crate::{ApiError, AppState};

/// How many letters of a parameter that KubeCube would pass over may be other ones than
/// those of one that there is.
const NEARLY: usize = 2;

/// The query parameters of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters {
    known: Vec<String>,
    others: Others,
    /// Nobody without a token is told what there is.
    needs_token: bool,
}

/// What becomes of other parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// They are refused.
    Refused,
    /// They are passed over, unless they are nearly a known one.
    Ignored,
}

/// Refuses a query with a parameter that is none, after who asks, where that matters.
pub(super) async fn refuse_unknown(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let endpoint = request.extensions().get::<Arc<Endpoint>>().cloned();
    let query = request.uri().query().unwrap_or_default();
    let refused = endpoint.and_then(|endpoint| {
        let sentence = endpoint.parameters.refuse(query)?;
        Some((sentence, endpoint.parameters.needs_token))
    });
    let Some((sentence, needs_token)) = refused else {
        return next.run(request).await;
    };
    let (mut parts, _) = request.into_parts();
    if needs_token && let Err(refusal) = Caller::from_request_parts(&mut parts, &state).await {
        return refusal.into_response();
    }
    ApiError::BadRequest(message::bad_request(&sentence)).into_response()
}

// === impl Parameters ===

impl Parameters {
    /// Returns those that an operation's description names.
    pub(super) fn of(operation: &Operation, others: Others) -> Self {
        let parameters = operation.parameters.iter().flatten();
        let known = parameters.filter_map(|parameter| match parameter {
            RefOr::T(it) if it.parameter_in == ParameterIn::Query => Some(it.name.clone()),
            _ => None,
        });
        Self {
            known: known.collect(),
            others,
            needs_token: operation.security.is_some(),
        }
    }

    /// Returns what is wrong with a query, if it has a parameter that is refused.
    fn refuse(&self, query: &str) -> Option<String> {
        let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        names.find_map(|name| self.refuse_one(&name))
    }

    fn refuse_one(&self, name: &str) -> Option<String> {
        let known = || self.known.iter().map(String::as_str);
        if known().any(|known| known == name) {
            return None;
        }
        // Longer than any that there is: whatever follows makes it no more like one.
        let name: String = name.chars().take(64).collect();
        let meant = match self.others {
            Others::Refused => nearest(&name, known()),
            Others::Ignored => Some(nearest_within(NEARLY, &name, known())?),
        };
        Some(if let Some(meant) = meant {
            format!("there is no parameter {name:?}; {meant:?} may be meant.")
        } else if self.known.is_empty() {
            format!("there is no parameter {name:?}, and no other one.")
        } else {
            let known = self.known.join(", ");
            format!("there is no parameter {name:?}; there are {known}.")
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::router::endpoints;

    fn of(path: &str, method: &Method) -> Parameters {
        let (_, rows) = endpoints().into_parts();
        let endpoint = rows.find(path, method).expect(path);
        endpoint.parameters.clone()
    }

    #[test]
    fn a_misspelt_parameter_of_our_own_is_told_with_what_may_be_meant() {
        let audit = of("/api/v1/cube/audit", &Method::GET);
        for query in ["", "user=jeff&pageSize=5", "user=", "&", "filter=a%3D1"] {
            assert_eq!(audit.refuse(query), None, "{query}");
        }
        for (query, name, meant) in [
            ("user=a&usr=jeff", "usr", "user"),
            ("USER=jeff", "USER", "user"),
            ("pagesize=5", "pagesize", "pageSize"),
        ] {
            assert_eq!(
                audit.refuse(query).unwrap(),
                format!("there is no parameter {name:?}; {meant:?} may be meant.")
            );
        }
        let sentence = audit.refuse("zzzzzz=1").unwrap();
        assert!(sentence.contains("there are from, to, user"), "{sentence}");
        for (path, method) in [
            ("/api/v1/cube/clusters", Method::GET),
            ("/api/v1/cube/clusters", Method::POST),
            ("/api/v1/cube/envoys", Method::GET),
            ("/api/v1/cube/user/{name}", Method::DELETE),
            ("/api/v1/cube/user/{name}/groups", Method::GET),
            ("/api/v1/cube/user/{name}/sessions", Method::DELETE),
        ] {
            let sentence = of(path, &method).refuse("a=1").unwrap();
            assert!(sentence.ends_with("and no other one."), "{path}");
        }
        let key = of("/api/v1/cube/key", &Method::PUT);
        let sentence = key.refuse("accesskey=a").unwrap();
        assert!(sentence.contains("\"accessKey\" may"), "{sentence}");
    }

    #[test]
    fn of_kubecubes_calls_only_what_is_nearly_a_parameter_is_refused() {
        let users = of("/api/v1/cube/user", &Method::GET);
        for (name, meant) in [
            ("pagesize", "pageSize"),
            ("page_size", "pageSize"),
            ("pageNun", "pageNum"),
            ("SORTNAME", "sortName"),
            ("querry", "query"),
            ("slector", "selector"),
        ] {
            assert_eq!(
                users.refuse(&format!("query=a&{name}=1")).unwrap(),
                format!("there is no parameter {name:?}; {meant:?} may be meant.")
            );
        }
        for query in [
            "_=1",
            "usr=a",
            "sort=name",
            "page=1",
            "size=5",
            "isFilter=true",
            "q=a",
        ] {
            assert_eq!(users.refuse(query), None, "{query}");
        }
        let key = of("/api/v1/cube/key/token", &Method::GET);
        assert_eq!(key.refuse("accessKey=a&secretKey=b&ts=1"), None);
        assert!(key.refuse("accesskey=a").is_some());
        for path in ["/api/v1/cube/key", "/api/v1/cube/key/create"] {
            assert_eq!(of(path, &Method::GET).refuse("usr=jeff"), None, "{path}");
        }
    }
}
