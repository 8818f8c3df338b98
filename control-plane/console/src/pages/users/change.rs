//! What is done on a user's page.

use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::Markup;
use serde_json::json;

use super::fields::UserFields;
use super::{Whole, here_of, one, path_of, words};
use crate::ask::Refusal;
use crate::form::{Fields, Typed};
use crate::link::segment;
use crate::pages::sessions;
use crate::parts;
use crate::session::Session;

pub(super) async fn change(
    Path(name): Path<String>,
    Typed {
        session,
        fields,
        resumed,
    }: Typed,
) -> Response {
    if resumed {
        let above = parts::resumed(session.view.language);
        return again(&session, &name, &fields, StatusCode::OK, &above).await;
    }
    match done(&session, &name, &fields).await {
        Ok(Some(word)) => Redirect::to(&format!("{}?done={word}", here_of(&name))).into_response(),
        Ok(None) => Redirect::to(&here_of(&name)).into_response(),
        Err(refusal) if refusal.is_logged_out() => session.refused(&refusal),
        Err(refusal) => {
            let above = words::refused(session.view.language, &refusal);
            again(&session, &name, &fields, refusal.status, &above).await
        }
    }
}

/// Does what the form asks for, and returns the word that says so.
async fn done(
    session: &Session,
    name: &str,
    fields: &Fields,
) -> Result<Option<&'static str>, Refusal> {
    let (ask, path) = (&session.ask, path_of(name));
    let group = || format!("{path}/groups/{}", segment(fields.get("group")));
    let word = match fields.get("do") {
        "profile" => {
            let body = UserFields::typed(fields).body("");
            let _: serde_json::Value = ask.send(Method::PUT, &path, &body).await?;
            "changed"
        }
        "password" => {
            let body = json!({ "spec": { "password": fields.exact("password") } });
            ask.change(Method::PUT, &path, Some(body)).await?;
            "password"
        }
        "add-group" => {
            ask.change(Method::PUT, &group(), None).await?;
            "group-added"
        }
        "remove-group" => {
            ask.change(Method::DELETE, &group(), None).await?;
            "group-removed"
        }
        "unlock" => {
            ask.change(Method::POST, &format!("{path}/unlock"), None)
                .await?;
            "unlocked"
        }
        // Without an id it would be all of them.
        "end-session" if !fields.get("session").is_empty() => {
            sessions::end_of(ask, name, fields.get("session")).await?;
            "ended"
        }
        _ => return Ok(None),
    };
    Ok(Some(word))
}

/// Shows the page again with what was typed, and why.
async fn again(
    session: &Session,
    name: &str,
    fields: &Fields,
    status: StatusCode,
    above: &Markup,
) -> Response {
    let whole = match Whole::of(session, name).await {
        Ok(Some(whole)) => whole,
        Ok(None) => return one::gone(&session.view).into_response(),
        Err(refusal) => return session.refused(&refusal),
    };
    let mut typed = UserFields::of(&whole.user);
    match fields.get("do") {
        "profile" => typed = UserFields::typed(fields),
        "add-group" => typed.group = fields.get("group").to_owned(),
        _ => {}
    }
    one::shown(session, status, &whole, &typed, above).into_response()
}
