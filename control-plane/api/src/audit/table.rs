//! What a path of the URL table is about, in a record's words.

use axum::http::{Method, StatusCode};
use cubegate_audit::Record;

/// The beginning of KubeCube's paths.
const CUBE: &str = "/api/v1/cube/";

/// What GET hands out or changes there, without [`CUBE`].
const RECORDED_GETS: [&str; 5] = [
    "audit",
    "key/create",
    "key/token",
    "user/kubeconfigs",
    "oauth/logout",
];

/// What only asks although it is a POST, and is asked for every request of others.
const QUESTIONS: [&str; 3] = [
    "authorization/access",
    "oauth/authenticate",
    "warden/authenticate",
];

/// Whether a request is recorded.
pub(super) fn is_recorded(method: &Method, matched: Option<&str>, status: StatusCode) -> bool {
    if matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    ) {
        return true;
    }
    let Some(template) = matched.filter(|_| !status.is_redirection()) else {
        return false;
    };
    let short = short(template);
    match *method {
        Method::HEAD | Method::OPTIONS => false,
        Method::GET => RECORDED_GETS.contains(&short),
        _ => !QUESTIONS.contains(&short),
    }
}

/// Whether a record of what went well is one of a change or a login. Exchanging a key
/// or a refresh token for a token is neither: programs do so all day long.
pub(super) fn is_change(record: &Record, by_password: bool) -> bool {
    match (record.resource.as_deref(), record.verb.as_str()) {
        (Some("tokens"), "create") => by_password,
        (Some("audit"), _) => false,
        _ => true,
    }
}

/// `login`, `logout`, or what the method does.
pub(super) fn verb(method: &Method, template: &str) -> &'static str {
    match (short(template), method) {
        ("login", _) => "login",
        ("logout" | "oauth/logout", _) => "logout",
        ("key/create" | "key/token" | "oauth/token", _) => "create",
        ("key/rotate", _) => "rotate",
        ("user/{name}/unlock", _) => "unlock",
        ("oauth/revoke", _) => "delete",
        ("audit", _) => "list",
        (_, &Method::POST) => "create",
        (_, &Method::PUT) => "update",
        (_, &Method::PATCH) => "patch",
        (_, &Method::DELETE) => "delete",
        _ => "get",
    }
}

/// The kind of thing that it is about.
pub(super) fn resource(template: &str) -> Option<&str> {
    let short = short(template);
    Some(match short {
        "login" | "logout" | "oauth/logout" => "sessions",
        "key/token" | "oauth/token" | "oauth/revoke" => "tokens",
        "user/kubeconfigs" => "kubeconfigs",
        "audit" => "audit",
        "user/{name}/groups/{group}" => "groups",
        "user/{name}/sessions" | "user/{name}/sessions/{id}" => "sessions",
        _ => match short.split('/').next()? {
            "" => return None,
            "key" => "keys",
            "user" => "users",
            "cluster" => "clusters",
            other => other,
        },
    })
}

/// What stands in the path where the template has its last `{variable}`.
pub(super) fn variable(template: &str, path: &str) -> Option<String> {
    let found = template
        .split('/')
        .zip(path.split('/'))
        .filter(|(pattern, _)| pattern.starts_with('{'))
        .last()?;
    Some(found.1.to_owned())
}

fn short(template: &str) -> &str {
    template
        .strip_prefix(CUBE)
        .unwrap_or(template.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_credentials_and_refusals_are_recorded() {
        let cube = |path: &str| format!("/api/v1/cube/{path}");
        for (method, path, status, recorded) in [
            (Method::POST, "login", 200, true),
            (Method::POST, "login", 400, true),
            (Method::GET, "key/create", 200, true),
            (Method::GET, "key/token", 200, true),
            (Method::GET, "key", 200, false),
            (Method::GET, "key", 401, true),
            (Method::DELETE, "key", 200, true),
            (Method::POST, "clusters", 500, true),
            (Method::POST, "login", 307, false),
            (Method::HEAD, "key/create", 404, false),
            (Method::POST, "warden/authenticate", 200, false),
            (Method::POST, "warden/authenticate", 403, true),
            (Method::GET, "audit", 200, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let path = cube(path);
            let found = is_recorded(&method, Some(&path), status);
            assert_eq!(found, recorded, "{method} {path} {status}");
        }
        assert!(!is_recorded(&Method::POST, None, StatusCode::NOT_FOUND));
        assert!(is_recorded(&Method::GET, None, StatusCode::UNAUTHORIZED));
    }

    #[test]
    fn a_path_is_told_in_a_records_words() {
        for (method, path, words) in [
            (
                Method::POST,
                "/api/v1/cube/login",
                ("login", Some("sessions")),
            ),
            (
                Method::GET,
                "/api/v1/cube/key/create",
                ("create", Some("keys")),
            ),
            (
                Method::GET,
                "/api/v1/cube/key/token",
                ("create", Some("tokens")),
            ),
            (Method::DELETE, "/api/v1/cube/key", ("delete", Some("keys"))),
            (Method::PUT, "/api/v1/cube/key", ("update", Some("keys"))),
            (
                Method::POST,
                "/api/v1/cube/key/rotate",
                ("rotate", Some("keys")),
            ),
            (
                Method::PUT,
                "/api/v1/cube/user/{name}",
                ("update", Some("users")),
            ),
            (
                Method::DELETE,
                "/api/v1/cube/clusters/{name}",
                ("delete", Some("clusters")),
            ),
            (Method::POST, "/oauth/token", ("create", Some("tokens"))),
            (Method::GET, "/", ("get", None)),
        ] {
            assert_eq!((verb(&method, path), resource(path)), words, "{path}");
        }
        let name = variable("/api/v1/cube/clusters/{name}", "/api/v1/cube/clusters/a");
        assert_eq!(name.as_deref(), Some("a"));
        assert_eq!(variable("/api/v1/cube/key", "/api/v1/cube/key"), None);
    }
}
