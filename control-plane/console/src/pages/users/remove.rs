//! What is asked about once more: the end of all sessions of a user, and of the user.

use axum::extract::Path;
use axum::http::Method;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;

use super::{here_of, one, path_of};
use crate::form::Submitted;
use crate::layout;
use crate::pages::sessions;
use crate::parts;
use crate::session::{AdminSession, Session};

/// A question, what the answer means, and the button that gives it.
struct Question<'a> {
    title: &'a str,
    what: &'a str,
    yes: &'a str,
    action: String,
}

pub(super) async fn confirm(
    AdminSession(session): AdminSession,
    Path(name): Path<String>,
) -> Response {
    let l = session.view.language;
    let question = Question {
        title: &l.tell("Delete {}?", "删除用户 {}？", &name),
        what: l.say(
            "The user is logged out, and its keys, tokens and groups are gone. What it has made in clusters stays there. This cannot be undone.",
            "用户将被退出登录，其密钥、令牌和用户组关系会被删除。用户在集群中创建的资源会保留。此操作无法恢复。",
        ),
        yes: l.say("Delete the user", "删除用户"),
        action: format!("{}/delete", here_of(&name)),
    };
    ask(&session, &name, &question).await
}

pub(super) async fn delete(
    Path(name): Path<String>,
    Submitted { session, .. }: Submitted,
) -> Response {
    let path = path_of(&name);
    match session.ask.change(Method::DELETE, &path, None).await {
        Ok(()) => Redirect::to("/console/users?done=deleted").into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}

pub(super) async fn confirm_end(
    AdminSession(session): AdminSession,
    Path(name): Path<String>,
) -> Response {
    let l = session.view.language;
    let question = Question {
        title: &l.tell("End all sessions of {}?", "结束 {} 的全部会话？", &name),
        what: l.say(
            "The user is logged out everywhere. All tokens until now are refused, also those of its keys and kubeconfigs. The keys stay, and give new ones.",
            "用户将在所有位置退出登录。此前的全部令牌都会失效，包括由密钥和 kubeconfig 得到的令牌。密钥会保留，可以重新生成令牌。",
        ),
        yes: l.say("End all", "全部结束"),
        action: format!("{}/end-sessions", here_of(&name)),
    };
    ask(&session, &name, &question).await
}

pub(super) async fn end_sessions(
    Path(name): Path<String>,
    Submitted { session, .. }: Submitted,
) -> Response {
    match sessions::end_of(&session.ask, &name, "").await {
        Ok(()) => Redirect::to(&format!("{}?done=ended-all", here_of(&name))).into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}

async fn ask(session: &Session, name: &str, question: &Question<'_>) -> Response {
    match super::user(session, name).await {
        Ok(Some(_)) => {}
        Ok(None) => return one::gone(&session.view).into_response(),
        Err(refusal) => return session.refused(&refusal),
    }
    let view = &session.view;
    let l = view.language;
    let Question {
        title,
        what,
        yes,
        action,
    } = question;
    let content = html! {
        h1 { (title) }
        div.card {
            p { (what) }
            form.actions method="post" action=(action) {
                (parts::proof(view))
                button.primary.danger type="submit" { (yes) }
                a.button.quiet href=(here_of(name)) { (l.say("Cancel", "取消")) }
            }
        }
    };
    layout::page(view, title, content).into_response()
}
