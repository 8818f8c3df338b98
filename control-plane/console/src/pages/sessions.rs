//! `/console/sessions`: where the user is logged in, and how that ends.

pub(super) mod program;
pub(super) mod table;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::Method;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use cubegate_api_types::cube::UserSessions;
use maud::{Markup, html};

use crate::Console;
use crate::ask::{Ask, Refusal};
use crate::form::{Fields, Submitted};
use crate::language::Language;
use crate::link::segment;
use crate::parts::{self, Notice};
use crate::session::Session;
use crate::{layout, link};

const HERE: &str = "/console/sessions";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route(HERE, get(page).post(end))
        .route("/console/sessions/end-all", get(confirm).post(end_all))
}

/// Returns the sessions of a user that go on.
pub(super) async fn of(ask: &Ask, user: &str) -> Result<UserSessions, Refusal> {
    ask.get(&path(user, "")).await
}

/// Ends one session of a user, or all of them if it has no id.
pub(super) async fn end_of(ask: &Ask, user: &str, id: &str) -> Result<(), Refusal> {
    ask.change(Method::DELETE, &path(user, id), None).await
}

/// Returns the path of the API for the sessions of a user, or for one of them.
fn path(user: &str, id: &str) -> String {
    let all = format!("/api/v1/cube/user/{}/sessions", segment(user));
    if id.is_empty() {
        all
    } else {
        format!("{all}/{}", segment(id))
    }
}

async fn page(session: Session, RawQuery(query): RawQuery) -> Response {
    let sessions = match of(&session.ask, &session.who.name).await {
        Ok(sessions) => sessions,
        Err(refusal) => return session.refused(&refusal),
    };
    let view = &session.view;
    let l = view.language;
    let title = l.say("Sessions", "会话");
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let own = session.who.session.as_ref().map(|own| own.id.as_str());
    let content = html! {
        (parts::head(
            title,
            l.say(
                "Where you are logged in, and the kubeconfigs that you have got. End what you do not know, and change your password then.",
                "您当前登录的位置，以及您获取的 kubeconfig。如有不认识的会话，请立即结束并修改密码。",
            ),
            &html! {
                @if !sessions.items.is_empty() {
                    a.button.quiet.danger href="/console/sessions/end-all" { (l.say("End all", "全部结束")) }
                }
            },
        ))
        @if query.get("done") == "ended" {
            (parts::notice(Notice::Done, html! {
                p { (l.say("The session was ended. Its tokens are refused from now on.", "会话已结束，其令牌即刻失效。")) }
            }))
        }
        (limits(l, &session))
        @if sessions.items.is_empty() {
            (parts::empty(
                l.say("No sessions are known", "没有会话记录"),
                l.say(
                    "Tokens of access keys are of no session. Delete the key to end them.",
                    "由密钥得到的令牌不属于任何会话。删除对应的密钥即可使其失效。",
                ),
                html! { p { a.button href="/console/keys" { (l.say("To the keys", "查看密钥")) } } },
            ))
        } @else {
            (table::table(l, l.say("Your sessions", "您的会话"), &sessions.items, own, |one, words| {
                html! {
                    @if Some(one.id.as_str()) == own {
                        (parts::small_button(view, "/console/logout", &[], l.say("Log out", "退出登录"), words))
                    } @else {
                        (parts::small_button(view, HERE, &[("session", &one.id)], l.say("End", "结束"), words))
                    }
                }
            }))
        }
    };
    layout::page(view, title, content).into_response()
}

/// When this session ends by itself: at the latest, and when nobody uses it.
fn limits(l: Language, session: &Session) -> Markup {
    let Some(own) = &session.who.session else {
        return html! {};
    };
    html! {
        div.card {
            dl.facts {
                @if let Some(began) = &own.began_at {
                    dt { (l.say("You logged in", "登录时间")) } dd { (parts::moment(began)) }
                }
                @if let Some(ends) = &own.ends_at {
                    dt { (l.say("At the latest it ends", "最迟结束")) }
                    dd {
                        (parts::moment(ends)) " "
                        span.muted.small-text { (l.say("Then you log in again, whatever you do.", "届时无论是否在使用，都需要重新登录。")) }
                    }
                }
                dt { (l.say("Unused it ends", "不操作时结束")) }
                dd {
                    (parts::moment(&session.who.expires_at)) " "
                    span.muted.small-text { (l.say("Or a little later: every page that you open prolongs it.", "或稍晚一些：每打开一个页面都会自动续期。")) }
                }
            }
        }
    }
}

async fn end(Submitted { session, fields }: Submitted) -> Response {
    let id = fields.get("session");
    // Without one it would be all of them.
    if id.is_empty() {
        return Redirect::to(HERE).into_response();
    }
    match end_of(&session.ask, &session.who.name, id).await {
        Ok(()) => Redirect::to(&link::with_query(HERE, &[("done", "ended")])).into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}

async fn confirm(session: Session) -> Response {
    let view = &session.view;
    let l = view.language;
    let title = l.say("End all your sessions?", "结束您的全部会话？");
    let content = html! {
        h1 { (title) }
        div.card {
            p {
                (l.say(
                    "You are logged out everywhere, here as well. All tokens that you have until now are refused, also those that your access keys and kubeconfigs have given: programs get a new one with their key, and kubeconfigs are to be downloaded again.",
                    "您将在所有位置退出登录，包括当前页面。此前签发的全部令牌都会失效，包括由密钥和 kubeconfig 得到的令牌：程序需要用密钥重新获取令牌，kubeconfig 需要重新下载。",
                ))
            }
            p { (l.say("Your access keys stay.", "您的密钥不会被删除。")) }
            form.actions method="post" action="/console/sessions/end-all" {
                (parts::proof(view))
                button.primary.danger type="submit" { (l.say("End all and log out", "全部结束并退出")) }
                a.button.quiet href=(HERE) { (l.say("Keep them", "保留")) }
            }
        }
    };
    layout::page(view, title, content).into_response()
}

/// The session of this page ends with the others, so what follows is the login.
async fn end_all(Submitted { session, .. }: Submitted) -> Response {
    match end_of(&session.ask, &session.who.name, "").await {
        Ok(()) => Redirect::to("/console/login").into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}
