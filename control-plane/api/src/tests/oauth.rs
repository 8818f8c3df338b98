//! KubeSphere's `/oauth`, with the users of its recorded exchanges.

mod clients;
mod sessions;
mod token;

use cubegate_token::{Ed25519Signer, Hs256Secret};
use serde_json::{Value, json};

use super::{Answer, SECRET, START, TestApp};
use crate::{AppState, DEFAULT_TOKEN_LIFETIME, Issuer, OauthSettings};

const TOKEN: &str = "/oauth/token";
const PASSWORD: &str = "grant_type=password&username=jeff&password=jeffPass123";

/// The header of a form.
fn form_header() -> (&'static str, String) {
    (
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    )
}

fn change_oauth(state: &mut AppState, change: impl FnOnce(&mut OauthSettings)) {
    let mut settings = (*state.oauth).clone();
    change(&mut settings);
    state.oauth = settings.into();
}

fn mk_issuer() -> Issuer {
    Issuer::ed25519(Ed25519Signer::generate("cubegate"), DEFAULT_TOKEN_LIFETIME).unwrap()
}

fn mk_hs256_issuer() -> Issuer {
    Issuer::hs256(Hs256Secret::new(SECRET).unwrap(), DEFAULT_TOKEN_LIFETIME)
}

impl TestApp {
    async fn form(&self, path: &str, body: impl Into<String>) -> Answer {
        self.send("POST", path, &[form_header()], body.into()).await
    }

    /// The two tokens of a login of jeff's.
    async fn log_in(&self) -> [String; 2] {
        self.form(TOKEN, PASSWORD).await.tokens()
    }

    async fn refresh(&self, token: &str) -> Answer {
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        self.form(TOKEN, body).await
    }

    /// Whether this access token is taken.
    async fn takes(&self, token: &str) -> bool {
        let headers = [("authorization", format!("Bearer {token}"))];
        let answer = self.send("GET", "/oauth/userinfo", &headers, "").await;
        let also = self.send("GET", "/api/v1/cube/key", &headers, "").await;
        assert_eq!(answer.status, also.status);
        answer.status == 200
    }
}

impl Answer {
    /// The body of an answer under `/oauth`, none of which is to be kept anywhere.
    #[track_caller]
    fn oauth(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("pragma"), "no-cache");
        serde_json::from_str(&self.body).unwrap()
    }

    #[track_caller]
    fn tokens(&self) -> [String; 2] {
        assert_eq!(self.status, 200, "{}", self.body);
        let body = self.oauth();
        ["access_token", "refresh_token"].map(|name| body[name].as_str().unwrap().to_owned())
    }

    #[track_caller]
    pub(super) fn assert_oauth_error(&self, status: u16, error: &str, description: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(
            self.oauth(),
            json!({ "error": error, "error_description": description })
        );
    }

    #[track_caller]
    fn assert_text(&self, status: u16, text: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(self.body, text);
    }
}
