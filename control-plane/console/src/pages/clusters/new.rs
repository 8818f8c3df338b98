//! A new cluster: tried first, then kept.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use cubegate_api_types::cube::{ClusterAdded, ClusterChecked};
use maud::{Markup, html};

use super::fields::ClusterFields;
use super::{HERE, PATH, browse, words};
use crate::ask::Refusal;
use crate::form::Typed;
use crate::language::Language;
use crate::layout::{self, Page};
use crate::parts::{self, Notice};
use crate::session::{AdminSession, Session};

pub(super) async fn page(AdminSession(session): AdminSession) -> Page {
    let (fields, nothing) = (ClusterFields::default(), html! {});
    shown(&session, StatusCode::OK, &fields, &[], &nothing)
}

/// Two buttons send the form: one tries what it says, the other keeps it.
pub(super) async fn submit(
    Typed {
        session,
        fields,
        resumed,
    }: Typed,
) -> Response {
    let typed = ClusterFields::typed(&fields);
    if resumed {
        let above = parts::resumed(session.view.language);
        return shown(&session, StatusCode::OK, &typed, &[], &above).into_response();
    }
    let done = if fields.get("do") == "add" {
        add(&session, &typed).await
    } else {
        check(&session, &typed).await
    };
    match done {
        Ok(response) => response,
        Err(refusal) if refusal.is_logged_out() => session.refused(&refusal),
        Err(refusal) => {
            let l = session.view.language;
            let above = parts::refused(l, &words::refused(l, &refusal));
            shown(&session, refusal.status, &typed, &[], &above).into_response()
        }
    }
}

async fn check(session: &Session, typed: &ClusterFields) -> Result<Response, Refusal> {
    let path = format!("{PATH}/check");
    let checked: ClusterChecked = session.ask.send(Method::POST, &path, &typed.body()).await?;
    let above = answered(session.view.language, &checked);
    Ok(shown(session, StatusCode::OK, typed, &checked.contexts, &above).into_response())
}

async fn add(session: &Session, typed: &ClusterFields) -> Result<Response, Refusal> {
    let added: ClusterAdded = session.ask.send(Method::POST, PATH, &typed.body()).await?;
    if added.warnings.is_empty() {
        return Ok(Redirect::to("/console/clusters?done=added").into_response());
    }
    // The API tells warnings this once, so they stand in the answer itself; another look at
    // its address shows the list.
    let view = &session.view;
    let l = view.language;
    let title = l.say("The cluster was added", "集群已添加");
    let content = html! {
        div data-forget=(HERE) {
            h1 { (title) }
            (parts::notice(Notice::Warning, warnings(l, &added.warnings)))
            p.actions {
                a.button.primary href=(HERE) { (l.say("To the clusters", "查看集群")) }
                a.button.quiet href=(browse(&typed.name)) { (l.say("Browse it", "查看资源")) }
            }
        }
    };
    Ok(layout::page(view, title, content).into_response())
}

/// Says what a test has found.
fn answered(l: Language, checked: &ClusterChecked) -> Markup {
    let kind = match checked.warnings.as_slice() {
        [] => Notice::Done,
        _ => Notice::Warning,
    };
    let content = html! {
        p {
            strong {
                @if checked.version.is_empty() { (l.say("The kubeconfig can be read", "kubeconfig 可读")) }
                @else { (l.say("The cluster answers", "集群连接成功")) }
            }
            ": " span.mono { (checked.server) }
            @if !checked.version.is_empty() { ", " (checked.version) }
        }
        @if checked.version.is_empty() {
            p {
                (l.say(
                    "Only Envoys can ask it. They do when it is added.",
                    "只有 Envoy 能访问该集群，添加时会由 Envoy 测试。",
                ))
            }
        }
        p { (l.say("Nothing is saved yet.", "尚未保存。")) }
        @if !checked.warnings.is_empty() { (warnings(l, &checked.warnings)) }
    };
    parts::notice(kind, content)
}

fn warnings(l: Language, warnings: &[String]) -> Markup {
    html! {
        p { (l.say("To be known about it:", "请注意：")) }
        ul { @for warning in warnings { li { (warning) } } }
    }
}

fn shown(
    session: &Session,
    status: StatusCode,
    fields: &ClusterFields,
    contexts: &[String],
    above: &Markup,
) -> Page {
    let view = &session.view;
    let l = view.language;
    let title = l.say("Add a cluster", "添加集群");
    let content = html! {
        h1 { (title) }
        p.lead {
            (l.say(
                "The kubeconfig is that of an account which may impersonate: “cubegate cluster manifest” prints what it needs. The gateway keeps it encrypted, and shows it to nobody.",
                "kubeconfig 中的账号需要具备 impersonate 权限，可用“cubegate cluster manifest”生成所需的清单。网关会加密保存，不会向任何人展示。",
            ))
        }
        (above)
        form.card method="post" action="/console/clusters/new" {
            (parts::proof(view))
            (fields.markup(l, contexts))
            div.actions {
                button type="submit" name="do" value="test" formnovalidate { (l.say("Test", "测试")) }
                button.primary type="submit" name="do" value="add" { (l.say("Add the cluster", "添加集群")) }
                a.button.quiet href=(HERE) { (l.say("Cancel", "取消")) }
            }
        }
    };
    layout::page_with(view, status, title, content)
}
