//! Which program asks, and what is told to anybody.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cubegate_token::{Ed25519Key, KeySet, UnverifiedToken};

use super::super::vectors::mint;
use super::*;
use crate::OauthClient;

fn basic(text: &str) -> (&'static str, String) {
    ("authorization", format!("Basic {}", STANDARD.encode(text)))
}

#[tokio::test]
async fn a_client_is_checked_if_there_is_one() {
    let app = TestApp::new().await;
    let unknown = "The provided client_id is invalid or does not exist.";
    let credential = "Invalid client credential.";
    let two = "The client is named in the Authorization header and in the body; use one of them.";
    let cases = [
        ("", None, Ok(())),
        (
            "&client_id=kubesphere&client_secret=kubesphere",
            None,
            Ok(()),
        ),
        ("&client_id=&client_secret=", None, Ok(())),
        ("", Some("kubesphere:kubesphere"), Ok(())),
        (
            "&client_id=kubesphere",
            Some("kubesphere:kubesphere"),
            Ok(()),
        ),
        (
            "&client_id=zzz&client_secret=x",
            None,
            Err((400, "invalid_client", unknown)),
        ),
        (
            "&client_secret=kubesphere",
            None,
            Err((400, "invalid_client", unknown)),
        ),
        (
            "&client_id=kubesphere&client_secret=x",
            None,
            Err((401, "invalid_client", credential)),
        ),
        (
            "&client_id=kubesphere",
            None,
            Err((401, "invalid_client", credential)),
        ),
        (
            "",
            Some("kubesphere:x"),
            Err((401, "invalid_client", credential)),
        ),
        (
            "",
            Some("zzz:kubesphere"),
            Err((401, "invalid_client", credential)),
        ),
        ("", Some("junk"), Err((401, "invalid_client", credential))),
        (
            "&client_id=zzz",
            Some("kubesphere:kubesphere"),
            Err((400, "invalid_request", two)),
        ),
        (
            "&client_id=kubesphere&client_secret=kubesphere",
            Some("kubesphere:kubesphere"),
            Err((400, "invalid_request", two)),
        ),
    ];
    for (more, header, expected) in cases {
        let mut headers = vec![form_header()];
        headers.extend(header.map(basic));
        let body = format!("{PASSWORD}{more}");
        let answer = app.send("POST", TOKEN, &headers, body).await;
        match expected {
            Ok(()) => assert_eq!(answer.status, 200, "{more} {header:?}: {}", answer.body),
            Err((status, error, description)) => {
                assert_eq!(answer.status.as_u16(), status, "{more} {header:?}");
                answer.assert_oauth_error(status, error, description);
                let challenged = !answer.header("www-authenticate").is_empty();
                assert_eq!(challenged, status == 401);
            }
        }
    }
}

#[tokio::test]
async fn a_client_is_checked_before_a_password() {
    let app = TestApp::new().await;
    let body = "grant_type=otp&client_id=zzz&client_secret=x";
    app.form(TOKEN, body).await.assert_oauth_error(
        400,
        "invalid_client",
        "The provided client_id is invalid or does not exist.",
    );
}

#[tokio::test]
async fn other_clients_take_the_place_of_the_default_one() {
    let app = TestApp::with(mk_issuer(), |state| {
        change_oauth(state, |oauth| {
            oauth.clients = vec![OauthClient {
                id: "a".to_owned(),
                secret: "b".to_owned(),
            }];
        });
    })
    .await;
    let with = |client: &str| format!("{PASSWORD}&{client}");
    let good = app.form(TOKEN, with("client_id=a&client_secret=b")).await;
    assert_eq!(good.status, 200);
    let default = with("client_id=kubesphere&client_secret=kubesphere");
    assert_eq!(app.form(TOKEN, default).await.status, 400);
}

#[tokio::test]
async fn the_published_keys_verify_our_tokens() {
    let app = TestApp::new().await;
    let [access, _] = app.log_in().await;
    let answer = app.send("GET", "/oauth/keys", &[], "").await;
    let body = answer.oauth();
    let [key] = body["keys"].as_array().unwrap().as_slice() else {
        panic!("{body}");
    };
    for (name, value) in [
        ("kty", "OKP"),
        ("crv", "Ed25519"),
        ("use", "sig"),
        ("alg", "EdDSA"),
    ] {
        assert_eq!(key[name], value);
    }
    let x = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let key = Ed25519Key::from_bytes(key["kid"].as_str().unwrap(), &x).unwrap();
    let keys = KeySet::ed25519("cubegate", [key]).unwrap();
    let now = app.state.clock.now().unix_timestamp().try_into().unwrap();
    let claims = keys.verify(&UnverifiedToken::new(access), now).unwrap();
    assert_eq!(claims.user, "jeff");

    // A shared secret is nobody's to know.
    let app = TestApp::with(mk_hs256_issuer(), |_| {}).await;
    let answer = app.send("GET", "/oauth/keys", &[], "").await;
    assert_eq!(answer.oauth(), json!({ "keys": [] }));
}

#[tokio::test]
async fn the_configuration_names_what_there_is() {
    let app = TestApp::new().await;
    let path = "/.well-known/openid-configuration";
    let body = app.send("GET", path, &[], "").await.oauth();
    assert_eq!(body["issuer"], "cubegate");
    assert_eq!(
        body["grant_types_supported"],
        json!([
            "password",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:token-exchange"
        ])
    );
    for (name, url) in [
        ("token_endpoint", "https://gw.example/oauth/token"),
        ("userinfo_endpoint", "https://gw.example/oauth/userinfo"),
        ("jwks_uri", "https://gw.example/oauth/keys"),
        ("revocation_endpoint", "https://gw.example/oauth/revoke"),
        ("end_session_endpoint", "https://gw.example/oauth/logout"),
    ] {
        assert_eq!(body[name], url);
        // And it is there.
        let path = url.strip_prefix("https://gw.example").unwrap();
        assert_ne!(app.send("GET", path, &[], "").await.status, 404, "{path}");
    }

    let signer = Ed25519Signer::generate("https://sso.example/");
    let issuer = Issuer::ed25519(signer, DEFAULT_TOKEN_LIFETIME).unwrap();
    let app = TestApp::with(issuer, |_| {}).await;
    let body = app.send("GET", path, &[], "").await.oauth();
    assert_eq!(body["issuer"], "https://sso.example/");
    assert_eq!(body["token_endpoint"], "https://sso.example/oauth/token");
}

#[tokio::test]
async fn userinfo_tells_the_caller_who_it_is() {
    let app = TestApp::new().await;
    let bearer = app.bearer("admin").await;
    let body = app
        .send("GET", "/oauth/userinfo/", &[bearer], "")
        .await
        .oauth();
    assert_eq!(
        body,
        json!({
            "sub": "admin", "name": "admin", "preferred_username": "admin",
            "groups": ["cubegate:admins"]
        })
    );
    let token = app.token("jeff").await;
    for headers in [
        vec![],
        vec![("authorization", "Bearer x.y.z".to_owned())],
        vec![basic("jeff:jeffPass123")],
        // Cookies are KubeCube's.
        vec![("cookie", format!("Authorization=Bearer+{token}"))],
    ] {
        let answer = app.send("GET", "/oauth/userinfo", &headers, "").await;
        answer.assert_oauth_error(
            401,
            "invalid_token",
            "The access token is missing, expired, revoked or invalid.",
        );
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
}

#[tokio::test]
async fn a_token_review_says_whose_a_token_is() {
    let app = TestApp::with(mk_hs256_issuer(), |_| {}).await;
    let path = "/oauth/authenticate";
    let review = |token: &str| {
        json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": { "token": token }
        })
        .to_string()
    };
    let token = app.token("admin").await;
    let answer = app.send_in_vain("POST", path, &[], review(&token)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.oauth(),
        json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "status": {
                "authenticated": true,
                "user": {
                    "username": "admin", "uid": "admin", "groups": ["kubecube"]
                }
            }
        })
    );
    let null = "token must not be null\n";
    let empty = r#"{"apiVersion": "v1", "kind": "TokenReview"}"#.to_owned();
    let ghost = json!({ "username": "ghost", "token_type": "static_token", "exp": START + 60 });
    let [_, refresh] = app.log_in().await;
    for (body, text) in [
        (empty, null),
        (review(""), null),
        (r#"{"spec":{"token":null}}"#.to_owned(), null),
        (String::new(), "the body is no TokenReview\n"),
        ("[]x".to_owned(), "the body is no TokenReview\n"),
        (review("x.y.z"), "the token is invalid or expired\n"),
        (
            review(&mint("HS256", &ghost, SECRET)),
            "the token is invalid or expired\n",
        ),
        (review(&refresh), "the token is invalid or expired\n"),
    ] {
        let answer = app.send_in_vain("POST", path, &[], body).await;
        answer.assert_text(400, text);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn the_flows_of_a_browser_are_refused() {
    let app = TestApp::new().await;
    for path in [
        "/oauth/authorize?client_id=zzz&response_type=token",
        "/oauth/authorize",
    ] {
        app.send("GET", path, &[], "")
            .await
            .assert_text(401, "Unauthorized: the OAuth client was not found");
    }
    let path = "/oauth/authorize?client_id=kubesphere&response_type=token&redirect_uri=https%3A%2F%2Fevil.example";
    let answer = app.send("GET", path, &[app.bearer("jeff").await], "").await;
    answer.assert_oauth_error(
        400,
        "unsupported_response_type",
        "No response_type is supported; get a token with POST /oauth/token.",
    );
    assert_eq!(answer.header("location"), "");
}
