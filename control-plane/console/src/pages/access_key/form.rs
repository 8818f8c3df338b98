//! A new key, from nothing or like an old one.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use cubegate_api_types::cube::{KeyCreateRequest, KeyPair};
use maud::{Markup, html};
use serde::Deserialize;

use super::fields::{Ends, KeyFields};
use super::{MOST, PATH, created};
use crate::form::{ONCE, Typed};
use crate::layout::{self, Page};
use crate::parts::{self, Notice};
use crate::session::Session;

/// Which key the new one is to be like.
#[derive(Deserialize)]
pub(super) struct Like {
    #[serde(default)]
    from: String,
}

pub(super) async fn page(session: Session, Query(Like { from }): Query<Like>) -> Response {
    let old = match super::key(&session, &from).await {
        Ok(old) => old,
        Err(refusal) => return session.refused(&refusal),
    };
    let fields = old.as_ref().map_or_else(KeyFields::new, KeyFields::like);
    let l = session.view.language;
    let above = html! {
        @if old.is_some() {
            (parts::notice(Notice::Warning, html! {
                p {
                    (l.say(
                        "The new key is filled in like the old one, which goes on working until you delete it.",
                        "新密钥已按旧密钥填写；旧密钥在您删除之前继续有效。",
                    ))
                }
            }))
        }
    };
    shown(&session, StatusCode::OK, &fields, above).into_response()
}

pub(super) async fn create(
    Typed {
        session,
        fields,
        resumed,
    }: Typed,
) -> Response {
    let l = session.view.language;
    let typed = KeyFields::typed(&fields);
    if resumed {
        return shown(&session, StatusCode::OK, &typed, parts::resumed(l)).into_response();
    }
    if let Some(fault) = typed.fault(l) {
        let above = parts::notice(Notice::Failed, html! { p { (fault) } });
        return shown(&session, StatusCode::UNPROCESSABLE_ENTITY, &typed, above).into_response();
    }
    let scope = typed.scope();
    let request = KeyCreateRequest {
        name: typed.name.clone(),
        description: typed.description.clone(),
        expires_at: match typed.ends(l) {
            Ok(Ends::At(ends)) => Some(ends),
            _ => None,
        },
        scope: (!scope.is_unbounded()).then_some(scope),
    };
    let path = format!("{PATH}/create");
    let ask = session.ask.clone();
    let made: Result<KeyPair, _> = ask.send_once(&path, fields.get(ONCE), &request).await;
    match made {
        Ok(pair) => created::page(&session, &typed.name, &pair).into_response(),
        Err(refusal) if refusal.is_logged_out() => session.refused(&refusal),
        Err(refusal) if refusal.status == StatusCode::CONFLICT => {
            created::again(&session.view).into_response()
        }
        Err(refusal) => {
            let is_full = super::keys(&session)
                .await
                .is_ok_and(|keys| keys.len() >= MOST);
            let above = if is_full {
                full(&session)
            } else {
                parts::refused(l, &refusal)
            };
            shown(&session, refusal.status, &typed, above).into_response()
        }
    }
}

fn full(session: &Session) -> Markup {
    let l = session.view.language;
    parts::notice(
        Notice::Failed,
        html! {
            p { strong { (l.say("You have five keys already", "您已有五对密钥")) } }
            p {
                (l.say(
                    "That is the most that a user may have. Delete one that is not needed any more, then add this one.",
                    "每个用户最多可以创建 5 对密钥。请先删除不再使用的密钥，再添加新密钥。",
                ))
                " " a href="/console/keys" { (l.say("To the keys", "查看密钥")) }
            }
        },
    )
}

fn shown(session: &Session, status: StatusCode, fields: &KeyFields, above: Markup) -> Page {
    let view = &session.view;
    let l = view.language;
    let title = l.say("Add a key", "添加密钥");
    let resources = session.ask.console().clusters.resources();
    let clusters: Vec<String> = resources.into_keys().collect();
    let content = html! {
        h1 { (title) }
        (above)
        form.card method="post" action="/console/keys/new" {
            (parts::proof(view))
            (parts::once())
            (fields.markup(l, &clusters, false))
            div.actions {
                button.primary type="submit" { (l.say("Add the key", "创建密钥")) }
                a.button.quiet href="/console/keys" { (l.say("Cancel", "取消")) }
            }
        }
    };
    layout::page_with(view, status, title, content)
}
