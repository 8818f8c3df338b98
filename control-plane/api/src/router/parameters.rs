//! Parameters of the operations that are ours alone: a misspelt one would be passed over,
//! and the answer would be about something else. KubeCube and KubeSphere pass over what
//! they do not know, and so their operations do here, too.

use axum::extract::{FromRequestParts as _, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use cubegate_api_types::cube::message;
use cubegate_domain::nearest;

use crate::extract::Caller;
use crate::{ApiError, AppState};

/// The paths of our own operations, and what may stand in their queries.
const OWN: [(&str, &[&str]); 9] = [
    (
        "/api/v1/cube/audit",
        &[
            "from",
            "to",
            "user",
            "cluster",
            "format",
            "filter",
            "selector",
            "sort",
            "sortName",
            "sortOrder",
            "sortFunc",
            "fields",
            "strip",
            "count",
            "pageSize",
            "pageNum",
            "isFilter",
        ],
    ),
    ("/api/v1/cube/clusters", &[]),
    ("/api/v1/cube/clusters/{name}", &[]),
    ("/api/v1/cube/key/rotate", &["accessKey"]),
    ("/api/v1/cube/user/{name}/unlock", &[]),
    ("/api/v1/cube/user/{name}/groups", &[]),
    ("/api/v1/cube/user/{name}/groups/{group}", &[]),
    ("/api/v1/cube/user/{name}/sessions", &[]),
    ("/api/v1/cube/user/{name}/sessions/{id}", &[]),
];

/// Refuses a query with another one, after who asks: all of these operations are for
/// somebody with a token.
pub(super) async fn refuse_unknown(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map(MatchedPath::as_str).unwrap_or_default();
    let query = request.uri().query().unwrap_or_default();
    let Some(sentence) = unknown(path, query) else {
        return next.run(request).await;
    };
    let (mut parts, _) = request.into_parts();
    match Caller::from_request_parts(&mut parts, &state).await {
        Ok(_) => ApiError::BadRequest(message::bad_request(&sentence)),
        Err(refusal) => refusal,
    }
    .into_response()
}

/// What is wrong with a query, if it has a parameter that the path does not know.
fn unknown(path: &str, query: &str) -> Option<String> {
    let (_, known) = OWN.iter().find(|(own, _)| *own == path)?;
    let (name, _) = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| !known.contains(&name.as_ref()))?;
    let name: String = name.chars().take(64).collect();
    Some(match (nearest(&name, known.iter().copied()), *known) {
        (Some(meant), _) => format!("there is no parameter {name:?}; {meant:?} may be meant."),
        (None, []) => format!("there is no parameter {name:?}, and no other one."),
        (None, known) => format!(
            "there is no parameter {name:?}; there are {}.",
            known.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_parameter_of_our_own_is_told_with_what_may_be_meant() {
        let audit = "/api/v1/cube/audit";
        for query in ["", "user=jeff&pageSize=5", "user=", "&", "filter=a%3D1"] {
            assert_eq!(unknown(audit, query), None, "{query}");
        }
        let sentence = unknown(audit, "user=a&usr=jeff").unwrap();
        assert_eq!(
            sentence,
            "there is no parameter \"usr\"; \"user\" may be meant."
        );
        let sentence = unknown(audit, "zzzzzz=1").unwrap();
        assert!(sentence.contains("there are from, to, user"), "{sentence}");
        let sentence = unknown("/api/v1/cube/clusters", "a=1").unwrap();
        assert!(sentence.ends_with("and no other one."), "{sentence}");
        // Not ours.
        for path in ["/api/v1/cube/key", "/api/v1/cube/user", "/oauth/token", ""] {
            assert_eq!(unknown(path, "x=1"), None, "{path}");
        }
    }
}
