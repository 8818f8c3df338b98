//! A new user.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};

use super::fields::{self, UserFields};
use super::{HERE, here_of, words};
use crate::form::Typed;
use crate::layout::{self, Page};
use crate::parts;
use crate::session::{AdminSession, Session};

pub(super) async fn page(AdminSession(session): AdminSession) -> Page {
    shown(&session, StatusCode::OK, &UserFields::default(), &html! {})
}

pub(super) async fn create(
    Typed {
        session,
        fields,
        resumed,
    }: Typed,
) -> Response {
    let typed = UserFields::typed(&fields);
    if resumed {
        let above = parts::resumed(session.view.language);
        return shown(&session, StatusCode::OK, &typed, &above).into_response();
    }
    let body = typed.body(fields.exact("password"));
    // The API's path ends with a slash, as KubeCube's does.
    let path = format!("{}/", super::PATH);
    let made: Result<serde_json::Value, _> = session.ask.send(Method::POST, &path, &body).await;
    match made {
        Ok(_) => Redirect::to(&format!("{}?done=made", here_of(&typed.name))).into_response(),
        Err(refusal) if refusal.is_logged_out() => session.refused(&refusal),
        Err(refusal) => {
            let above = words::refused(session.view.language, &refusal);
            shown(&session, refusal.status, &typed, &above).into_response()
        }
    }
}

fn shown(session: &Session, status: StatusCode, fields: &UserFields, above: &Markup) -> Page {
    let view = &session.view;
    let l = view.language;
    let title = l.say("Add a user", "添加用户");
    let content = html! {
        h1 { (title) }
        (above)
        form.card method="post" action="/console/users/new" {
            (parts::proof(view))
            div.field {
                label for="name" { (l.say("Name", "用户名")) }
                input #name name="name" value=(fields.name) required maxlength="253" autocomplete="off"
                    autocapitalize="none" spellcheck="false" aria-describedby="name-hint";
                p.hint #name-hint {
                    (l.say(
                        "Clusters know the user by it, and it cannot be changed later.",
                        "集群以此识别用户，创建后不能修改。",
                    ))
                }
            }
            (fields.profile(l))
            (fields::password(l))
            div.actions {
                button.primary type="submit" { (l.say("Add the user", "创建用户")) }
                a.button.quiet href=(HERE) { (l.say("Cancel", "取消")) }
            }
        }
    };
    layout::page_with(view, status, title, content)
}
