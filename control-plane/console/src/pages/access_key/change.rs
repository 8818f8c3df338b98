//! What is done to a key that there is.

use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use cubegate_api_types::cube::{KeyPair, KeyUpdateRequest, RotatedKey};
use maud::{Markup, html};

use super::fields::{Ends, KeyFields};
use super::{created, one, path_of};
use crate::ask::Refusal;
use crate::form::{ONCE, Submitted, Typed};
use crate::parts::{self, Notice};
use crate::session::Session;

pub(super) async fn change(
    Path(name): Path<String>,
    Typed {
        session,
        fields,
        resumed,
    }: Typed,
) -> Response {
    let l = session.view.language;
    let typed = KeyFields::typed(&fields);
    if resumed {
        return again(&session, StatusCode::OK, &name, &typed, parts::resumed(l)).await;
    }
    if let Some(fault) = typed.fault(l) {
        let above = parts::notice(Notice::Failed, html! { p { (fault) } });
        return again(
            &session,
            StatusCode::UNPROCESSABLE_ENTITY,
            &name,
            &typed,
            above,
        )
        .await;
    }
    let scope = typed.scope();
    let request = KeyUpdateRequest {
        name: Some(typed.name.clone()),
        description: Some(typed.description.clone()),
        expires_at: match typed.ends(l) {
            Ok(Ends::At(ends)) => Some(Some(ends)),
            Ok(Ends::Never) => Some(None),
            Ok(Ends::AsNow) | Err(_) => None,
        },
        scope: Some((!scope.is_unbounded()).then_some(scope)),
    };
    let changed: Result<serde_json::Value, _> = session
        .ask
        .send(Method::PUT, &path_of("", &name), &request)
        .await;
    match changed {
        Ok(_) => Redirect::to("/console/keys?done=changed").into_response(),
        Err(refusal) => refused(&session, &name, &typed, &refusal).await,
    }
}

pub(super) async fn rotate(
    Path(name): Path<String>,
    Submitted {
        mut session,
        fields,
    }: Submitted,
) -> Response {
    // Where it can be tried again.
    session.view.here = super::here_of(&name);
    let key = match super::key(&session, &name).await {
        Ok(Some(key)) => key,
        Ok(None) => return one::gone(&session.view).into_response(),
        Err(refusal) => return session.refused(&refusal),
    };
    let request = cubegate_api_types::cube::KeyRotateRequest {
        overlap_seconds: fields.get("overlap").parse().ok(),
    };
    let path = path_of("/rotate", &name);
    let ask = session.ask.clone();
    let rotated: Result<RotatedKey, _> = ask.send_once(&path, fields.get(ONCE), &request).await;
    match rotated {
        Ok(rotated) => {
            let pair = KeyPair {
                access_key: rotated.access_key,
                secret_key: rotated.secret_key,
            };
            created::page(&session, &key.spec.name, &pair).into_response()
        }
        Err(refusal) if refusal.status == StatusCode::CONFLICT => {
            created::again(&session.view).into_response()
        }
        Err(refusal) => refused(&session, &name, &KeyFields::of(&key), &refusal).await,
    }
}

pub(super) async fn delete(
    Path(name): Path<String>,
    Submitted { session, .. }: Submitted,
) -> Response {
    match super::delete(&session, &name).await {
        Ok(()) => Redirect::to("/console/keys?done=deleted").into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}

async fn refused(session: &Session, name: &str, fields: &KeyFields, refusal: &Refusal) -> Response {
    if refusal.is_logged_out() {
        return session.refused(refusal);
    }
    let above = parts::refused(session.view.language, refusal);
    again(session, refusal.status, name, fields, above).await
}

/// Shows the form again with what was typed.
async fn again(
    session: &Session,
    status: StatusCode,
    name: &str,
    fields: &KeyFields,
    above: Markup,
) -> Response {
    match super::key(session, name).await {
        Ok(Some(key)) => one::shown(session, status, &key, fields, above).into_response(),
        Ok(None) => one::gone(&session.view).into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}
