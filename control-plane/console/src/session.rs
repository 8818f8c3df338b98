//! Who is logged in: whom the HTTP API says that the browser's cookie stands for.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use cubegate_api_types::cube::WhoAmI;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::Console;
use crate::ask::{Ask, Refusal};
use crate::layout;
use crate::link::with_query;
use crate::view::{View, Viewer, inner_path};

/// A page of somebody who is logged in.
pub(crate) struct Session {
    /// How it is shown.
    pub(crate) view: View,
    /// Who that is.
    pub(crate) who: WhoAmI,
    /// Asks as that user.
    pub(crate) ask: Ask,
    proof: String,
}

/// A page for administrators. Others are told so; the HTTP API would refuse them anyway.
pub(crate) struct AdminSession(pub(crate) Session);

/// Why there is no [`Session`].
pub(crate) enum Missing {
    /// Nobody is logged in, or not any more.
    LoggedOut(View),
    /// The HTTP API says something else: this page.
    Refused(Response),
}

// === impl Session ===

impl Session {
    /// Finds out who is logged in.
    pub(crate) async fn find(parts: &mut Parts, console: &Console) -> Result<Self, Missing> {
        let Ok(mut view) = View::from_request_parts(parts, console).await;
        let Some(ask) = parts.extensions.get::<Ask>().cloned() else {
            let response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
            return Err(Missing::Refused(response));
        };
        let who: WhoAmI = match ask.get("/api/v1/cube/whoami").await {
            Ok(who) => who,
            Err(refusal) if refusal.is_logged_out() => return Err(Missing::LoggedOut(view)),
            Err(refusal) => {
                let response = layout::refused(&view, &refusal).into_response();
                return Err(Missing::Refused(response));
            }
        };
        let ask = ask.for_user(&who.name);
        let proof = proof(&console.form_key, &who);
        view.viewer = Some(Viewer {
            name: who.name.clone(),
            administrator: who.administrator,
            proof: proof.clone(),
        });
        Ok(Self {
            view,
            who,
            ask,
            proof,
        })
    }

    /// The same. Whoever is not logged in is led to the login, and from there back: to the
    /// page, or to the one that the form stood on.
    pub(crate) async fn of(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        Self::find(parts, console)
            .await
            .map_err(|missing| missing.into_response(parts))
    }

    /// Returns whether a form with this proof is of a page of this session.
    pub(crate) fn has_made(&self, proof: &str) -> bool {
        self.proof.as_bytes().ct_eq(proof.as_bytes()).into()
    }

    /// What a page says when its API refuses: a session that has ended leads to the login.
    pub(crate) fn refused(&self, refusal: &Refusal) -> Response {
        if refusal.is_logged_out() {
            return to_login(&self.view.here);
        }
        layout::refused(&self.view, refusal).into_response()
    }
}

// === impl Missing ===

impl Missing {
    pub(crate) fn into_response(self, parts: &Parts) -> Response {
        match self {
            Self::LoggedOut(view) if parts.method == Method::GET => to_login(&view.here),
            Self::LoggedOut(_) => to_login(page_of_form(&parts.headers).unwrap_or_default()),
            Self::Refused(response) => response,
        }
    }
}

impl FromRequestParts<Console> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        Self::of(parts, console).await
    }
}

impl FromRequestParts<Console> for AdminSession {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let session = Session::of(parts, console).await?;
        if session.who.administrator {
            return Ok(Self(session));
        }
        let l = session.view.language;
        Err(layout::failure(
            &session.view,
            StatusCode::FORBIDDEN,
            l.say("For administrators", "仅限管理员"),
            l.say(
                "This page is for administrators of the gateway. Ask one of them, or go on with your own keys and clusters.",
                "此页面仅供网关管理员使用。请联系管理员，或继续使用您自己的密钥和集群。",
            ),
        )
        .into_response())
    }
}

/// Leads to the login, and after it back to `here`.
fn to_login(here: &str) -> Response {
    if here.is_empty() || here == crate::ROOT {
        return Redirect::to("/console/login").into_response();
    }
    Redirect::to(&with_query("/console/login", &[("next", here)])).into_response()
}

/// Returns the page of ours that a form was on, as its browser says.
pub(crate) fn page_of_form(headers: &HeaderMap) -> Option<&str> {
    let url = headers.get(header::REFERER)?.to_str().ok()?;
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_at_checked(rest.find('/')?)?;
    inner_path(path)
}

/// What the forms of a session hold. Who does not know the key cannot make it, and it is of
/// no use in another session.
fn proof(key: &[u8], who: &WhoAmI) -> String {
    let session = who.session.as_ref().map_or("", |session| &session.id);
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        // HMAC takes keys of every length.
        return String::new();
    };
    for part in ["console form", &who.name, session] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    let proof = hex::encode(mac.finalize().into_bytes());
    proof.get(..32).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use cubegate_api_types::cube::OwnSession;

    use super::*;

    fn who(name: &str, session: &str) -> WhoAmI {
        WhoAmI {
            name: name.to_owned(),
            display_name: String::new(),
            administrator: false,
            groups: Vec::new(),
            expires_at: String::new(),
            session: Some(OwnSession {
                id: session.to_owned(),
                began_at: None,
                ends_at: None,
            }),
        }
    }

    #[test]
    fn a_form_is_good_for_one_session_and_one_user() {
        let key = b"a key";
        let made = proof(key, &who("jeff", "s1"));
        assert_eq!(made.len(), 32);
        assert_eq!(made, proof(key, &who("jeff", "s1")));
        assert_ne!(made, proof(key, &who("jeff", "s2")));
        assert_ne!(made, proof(key, &who("jef", "fs1")));
        assert_ne!(made, proof(b"another", &who("jeff", "s1")));
    }

    #[test]
    fn who_has_sent_a_form_is_led_back_to_its_page_alone() {
        for (referer, path) in [
            (
                "https://g:30443/console/keys/1?a=b",
                Some("/console/keys/1?a=b"),
            ),
            ("https://g/", None),
            ("https://g", None),
            ("https://evil.example/console/..", None),
            ("/console/keys", None),
        ] {
            let headers = [(header::REFERER, referer.parse().unwrap())];
            assert_eq!(
                page_of_form(&headers.into_iter().collect()),
                path,
                "{referer}"
            );
        }
    }
}
