//! What a form has sent.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use cubegate_token::carrier;

use crate::Console;
use crate::layout;
use crate::pages::login;
use crate::session::{Missing, Session, page_of_form};
use crate::view::View;

/// The name of the field that proves where a form comes from.
pub(crate) const PROOF: &str = "csrf";

/// The name of the field that tells a form from others, so that it is done once however often
/// its browser sends it: a reload does without scripts.
pub(crate) const ONCE: &str = "once";

/// The field of the login's form in which another form waits: what was typed while a session
/// came to its end.
pub(crate) const KEPT: &str = "kept";

/// Fields that no page holds again.
const NOT_KEPT: [&str; 4] = [PROOF, ONCE, "password", "secret-key"];

/// The fields of a form or a query, in the order in which they came; a name may come again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

/// A form of a page of this session: one that another site has made its visitor send does
/// not hold the proof and is refused before anything is done.
pub(crate) struct Submitted {
    pub(crate) session: Session,
    pub(crate) fields: Fields,
}

/// A form whose page can show again what was typed. When the session has ended meanwhile, the
/// page of the login keeps that, and sends it on when somebody has logged in.
pub(crate) struct Typed {
    pub(crate) session: Session,
    pub(crate) fields: Fields,
    /// Whether it comes from the login: then it is to be shown, and nothing is to be done.
    pub(crate) resumed: bool,
}

// === impl Fields ===

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// Returns the first value of that name without blanks around it; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(have, _)| have == name)
            .map_or("", |(_, value)| value.trim())
    }

    /// Returns the first value of that name as it was typed.
    pub(crate) fn exact(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(have, _)| have == name)
            .map_or("", |(_, value)| value)
    }

    /// Returns all values of that name that are not empty.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(have, value)| have == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim())
    }

    /// Returns the parts of the values of that name, which are written between commas or
    /// blanks.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        self.all(name)
            .flat_map(|value| value.split([',', ' ', '\n', '\r', '\t', '，', '、']))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Returns them as a form sends them, but for what no page holds again.
    fn kept(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let kept = self.0.iter();
        form.extend_pairs(kept.filter(|(name, _)| !NOT_KEPT.contains(&name.as_str())));
        form.finish()
    }

    /// Adds a field.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }
}

// === impl Submitted ===

impl FromRequest<Console> for Submitted {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let session = Session::of(&mut parts, console).await?;
        let headers = parts.headers.clone();
        let fields = read(Request::from_parts(parts, body), console).await?;
        if !session.has_made(fields.get(PROOF)) {
            return Err(refuse(session.view, &headers));
        }
        Ok(Self { session, fields })
    }
}

// === impl Typed ===

impl FromRequest<Console> for Typed {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let found = Session::find(&mut parts, console).await;
        let fields = read(Request::from_parts(parts.clone(), body), console).await?;
        let session = match found {
            Ok(session) => session,
            // What another site sends is not what somebody has typed here.
            Err(Missing::LoggedOut(view)) if !is_cross_site(&parts) => {
                return Err(login::keep(&view, parts.uri.path(), &fields.kept()).into_response());
            }
            Err(missing) => return Err(missing.into_response(&parts)),
        };
        let kept = fields.exact(KEPT);
        if !kept.is_empty() && !is_cross_site(&parts) {
            return Ok(Self {
                session,
                fields: Fields::parse(kept.as_bytes()),
                resumed: true,
            });
        }
        if !session.has_made(fields.get(PROOF)) {
            return Err(refuse(session.view, &parts.headers));
        }
        Ok(Self {
            session,
            fields,
            resumed: false,
        })
    }
}

async fn read(request: Request, console: &Console) -> Result<Fields, Response> {
    let body = Bytes::from_request(request, console)
        .await
        .map_err(axum::response::IntoResponse::into_response)?;
    Ok(Fields::parse(&body))
}

/// Returns whether the headers that only a browser sets speak of another site.
fn is_cross_site(parts: &Parts) -> bool {
    let value = |name: &str| parts.headers.get(name).map(HeaderValue::as_bytes);
    let host = match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => value(header::HOST.as_str()),
    };
    carrier::is_cross_site(
        value("sec-fetch-site"),
        value(header::ORIGIN.as_str()),
        host,
    )
}

fn refuse(mut view: View, headers: &HeaderMap) -> Response {
    // Where it can be sent again: nobody can open what a form is sent to.
    page_of_form(headers)
        .unwrap_or(crate::ROOT)
        .clone_into(&mut view.here);
    let l = view.language;
    layout::failure(
        &view,
        axum::http::StatusCode::FORBIDDEN,
        l.say("This form was not accepted", "未接受该表单"),
        l.say(
            "It did not come from a page of your present session. Nothing was changed: open the page again, and send it from there.",
            "它不是由您当前会话的页面发出的。没有任何改动：请重新打开该页面后再提交。",
        ),
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_again_and_lists_are_written_in_any_way() {
        let fields = Fields::parse(b"a=1&b=+x+&a=2&words=one%2C+two%0Athree&words=four&e=");
        assert_eq!(fields.get("a"), "1");
        assert_eq!(fields.get("b"), "x");
        assert_eq!(fields.exact("b"), " x ");
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(fields.words("words"), ["one", "two", "three", "four"]);
        assert_eq!(fields.get("none"), "");
        assert_eq!(fields.all("e").count(), 0);
    }

    #[test]
    fn what_is_kept_is_what_was_typed_without_its_secrets() {
        let fields = Fields::parse(
            b"csrf=1&once=2&name=a+b&verb=get&verb=list&password=p&secret-key=s&kubeconfig=x%0Ay%26",
        );
        let kept = Fields::parse(fields.kept().as_bytes());
        assert_eq!(kept.get("name"), "a b");
        assert_eq!(kept.all("verb").collect::<Vec<_>>(), ["get", "list"]);
        assert_eq!(kept.exact("kubeconfig"), "x\ny&");
        for secret in NOT_KEPT {
            assert_eq!(kept.exact(secret), "");
        }
    }
}
