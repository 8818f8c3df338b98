//! Bodies of the KubeCube paths (`/api/v1/cube`).

use serde::{Deserialize, Serialize};

mod cluster;
mod envoy;
mod inventory;
mod key;
mod object;
mod user;
mod whoami;

pub use cluster::{
    AddClusterRequest, CheckClusterRequest, ClusterAdded, ClusterChecked, ClusterEnvoys,
    ClusterItem, ClusterList, EnvoyRefusal,
};
pub use envoy::{EnvoyAccepted, EnvoyItem, EnvoyList, EnvoyRefused};
pub use inventory::{
    AccessRequest, ClusterInfo, ClusterInfoList, ClusterNames, ClusterResources, Identities,
};
pub use key::{KeyCreateRequest, KeyRotateRequest, KeyUpdateRequest, RotatedKey};
pub use object::{
    API_VERSION, KeyList, KeyMetadata, KeyObject, KeyPage, KeySpec, SYNC_ANNOTATION, USER_LABEL,
    UserMetadata, UserObject, UserSpec, UserStatus,
};
pub use user::{
    PasswordChange, UserBody, UserBodyMetadata, UserBodySpec, UserGroups, UserItem, UserList,
    UserSession, UserSessions, UserValid,
};
pub use whoami::{OwnClusters, OwnSession, WhoAmI};

/// The content type of every JSON answer of these paths.
pub const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// What every refusal looks like; the HTTP status equals `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "code": 401, "message": "Authenticate failed." })))]
pub struct ErrorBody {
    /// The HTTP status.
    pub code: u16,
    /// One sentence.
    pub message: String,
}

/// `{"message":"success"}`, the answer of calls that return nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "message": "success" })))]
pub struct Success {
    /// Always `success`.
    pub message: String,
}

/// Body of `POST /login`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LoginRequest {
    /// The user.
    pub name: String,
    /// In clear.
    pub password: String,
    /// `normal`.
    pub login_type: String,
}

/// Body of `POST /key/token`, as JSON or as a form.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyTokenRequest {
    /// The key's name.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

/// Answer of `GET /key/create`: the only time the secret is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "accessKey": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "secretKey": "9f8e7d6c5b4a39281706f5e4d3c2b1a0" })))]
#[serde(rename_all = "camelCase")]
pub struct KeyPair {
    /// 32 lower-case hex digits; the key's name.
    pub access_key: String,
    /// 32 lower-case hex digits; kept hashed.
    pub secret_key: String,
}

/// Answer of `GET /key/token`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJqZWZmIn0.c2lnbmF0dXJl" })))]
pub struct TokenAnswer {
    /// A compact JWT for `Authorization: Bearer`.
    pub token: String,
}

/// Messages of KubeCube's documented catalogue that the gateway gives.
pub mod message {
    /// 401: no credential, or one in a form that cannot be read.
    pub const AUTHENTICATE_FAILED: &str = "Authenticate failed.";
    /// 401: a token that does not verify.
    pub const TOKEN_INVALID: &str = "Token invalid.";
    /// 401: a token that verifies, but from the future; not KubeCube's.
    pub const CLOCK_SKEW: &str = "The token was issued in the future: the clocks of the gateway's machines are too far apart; set them.";
    /// 403: the caller may not do this.
    pub const FORBIDDEN: &str = "Forbidden.";
    /// 403: the token of a key with a scope or an expiry; not KubeCube's, whose keys have
    /// neither.
    pub const BOUNDED_KEY: &str = "This token is for clusters only: it is of an access key with a scope or an expiry, or of a kubeconfig.";
    /// 403: the token of a key that would change another one, and outlive its own by it.
    pub const OTHER_KEY: &str = "The token of an access key changes that key and those made with it; log in to change others.";
    /// 409: the same request was done before, by its `Idempotency-Key`.
    pub const DONE_ALREADY: &str =
        "This was done already, and its secret was shown then; it cannot be shown again.";
    /// 429: too many tries, or a user who is locked.
    pub const RATE_LIMIT_EXCEEDED: &str = "Rate limit exceeded, please try again later.";
    /// 503: so many passwords are being checked that one more would wait too long.
    pub const BUSY: &str = "Server is busy, please try again.";
    /// 503: the database is away for the moment.
    pub const UNAVAILABLE: &str = "The database does not answer at the moment, please try again.";
    /// 400: the body is not the JSON that this call takes.
    pub const BODY_FORMAT_INVALID: &str = "Body format invalid.";
    /// 400: a text with U+0000, which no text here may have.
    pub const NUL: &str = "A text must not hold a NUL character.";
    /// 400: login.
    pub const LOGIN_PARAM_MISSING: &str = "Param name or password or login type is missing.";
    /// 400: login of a user whose state is not `normal`.
    pub const USER_DISABLED: &str = "User is disabled.";
    /// 400: keys.
    pub const USER_NOT_EXIST: &str = "user not exist.";
    /// 400: keys.
    pub const KEY_NOT_EXIST: &str = "key not exist.";
    /// 400: keys.
    pub const KEY_AND_USER_NOT_MATCH: &str = "key and user not match.";
    /// 400: keys.
    pub const SECRET_NOT_MATCH: &str = "secretkey and accesskey not match.";
    /// 400: keys; not KubeCube's, whose keys do not expire.
    pub const KEY_EXPIRED: &str = "key has expired.";
    /// 400: keys.
    pub const TOO_MANY_KEYS: &str = "already have 5 credentials, can't create more.";
    /// 500 and 502: keys and the proxy.
    pub const SERVER_ERROR: &str = "server error.";
    /// 404 as plain text: no such path or method.
    pub const PAGE_NOT_FOUND: &str = "404 page not found";

    /// 408: the request's body came too slowly.
    pub const REQUEST_TOO_SLOW: &str = "The request did not arrive in time.";
    /// 400: it is not HTTP.
    pub const HTTP_MALFORMED: &str =
        "The request is malformed: its request line, headers or framing are not those of HTTP/1.1.";
    /// 431: Envoy reads no further.
    pub const HEAD_TOO_LARGE: &str = "The request line and the headers are longer than the gateway reads; ask with a shorter query or with fewer headers.";
    /// 503: Envoy is short of memory.
    pub const OVERLOADED: &str = "The gateway is overloaded; try again in a moment.";

    /// 413: the body is too long.
    pub const BODY_TOO_LARGE: &str = "Body larger than 1 MiB.";
    /// 408: the body did not arrive in time.
    pub const BODY_TOO_SLOW: &str = "Body not received within 30 seconds; send it again.";

    /// 400: a cluster of that name is registered already.
    pub fn cluster_exists(cluster: &str) -> String {
        format!("cluster {cluster} exists.")
    }

    /// 400: update of a user, or of a password.
    pub const NO_SUCH_USER: &str = "User not exist.";
    /// 401: change of a password with a wrong old one.
    pub const WRONG_PASSWORD: &str = "Username or password is wrong.";
    /// 400: a resource type that the extend routes do not know.
    pub const RESOURCE_TYPE: &str = "resource type param error.";
    /// 400: a method that the extend routes do not know for that type.
    pub const HTTP_METHOD: &str = "not match http method.";

    /// 400: a parameter breaks its rule.
    pub fn param_invalid(param: &str) -> String {
        format!("Param {param} value invalid.")
    }

    /// 400: a user of that name is there already.
    pub fn name_exists(name: &str) -> String {
        format!("name {name} exists.")
    }

    /// 400: something else; the sentence says what.
    pub fn bad_request(detail: &str) -> String {
        format!("bad request. {detail}")
    }

    /// 400: a parameter is absent or empty.
    pub fn param_missing(param: &str) -> String {
        format!("Param {param} is missing.")
    }

    /// 502 and 504 on Kubernetes paths: the API server or the control plane failed.
    pub fn upstream_failed(code: u16) -> &'static str {
        match code {
            504 => "The server behind the gateway did not answer in time.",
            _ => "The server behind the gateway cannot be reached or broke off its answer.",
        }
    }

    /// 400: the path names a cluster that is not registered.
    pub fn cluster_not_found(cluster: &str) -> String {
        format!("cluster {cluster} not found.")
    }
}

// === impl ErrorBody ===

impl ErrorBody {
    /// An error body.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

// === impl Success ===

impl Default for Success {
    fn default() -> Self {
        Self {
            message: "success".to_owned(),
        }
    }
}
