//! What a form has sent.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse as _, Response};

use crate::Console;
use crate::layout;
use crate::session::Session;
use crate::view::View;

/// The name of the field that proves where a form comes from.
pub(crate) const PROOF: &str = "csrf";

/// The name of the field that tells a form from others, so that it is done once however often
/// its browser sends it: a reload does without scripts.
pub(crate) const ONCE: &str = "once";

/// The fields of a form or a query, in the order in which they came; a name may come again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

/// A form of a page of this session: one that another site has made its visitor send does
/// not hold the proof and is refused before anything is done.
pub(crate) struct Submitted {
    pub(crate) session: Session,
    pub(crate) fields: Fields,
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
        let body = Bytes::from_request(Request::from_parts(parts, body), console)
            .await
            .map_err(axum::response::IntoResponse::into_response)?;
        let fields = Fields::parse(&body);
        if !session.has_made(fields.get(PROOF)) {
            return Err(refuse(&session.view));
        }
        Ok(Self { session, fields })
    }
}

fn refuse(view: &View) -> Response {
    let l = view.language;
    layout::failure(
        view,
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
}
