//! A user's page: what is known of it, and what can be done with it.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::fields::{self, UserFields};
use super::{Whole, groups, here_of, keys, words};
use crate::form::Fields;
use crate::language::Language;
use crate::layout::{self, Page};
use crate::pages::sessions::table::table;
use crate::parts::{self, Notice};
use crate::session::{AdminSession, Session};
use crate::view::View;

pub(super) async fn page(
    AdminSession(session): AdminSession,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let above = match said(session.view.language, query.get("done")) {
        Some(said) => parts::notice(Notice::Done, html! { p { (said) } }),
        None => html! {},
    };
    match Whole::of(&session, &name).await {
        Ok(Some(whole)) => {
            let fields = UserFields::of(&whole.user);
            shown(&session, StatusCode::OK, &whole, &fields, &above).into_response()
        }
        Ok(None) => gone(&session.view).into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}

/// A user who is not there.
pub(super) fn gone(view: &View) -> Page {
    let l = view.language;
    layout::failure(
        view,
        StatusCode::NOT_FOUND,
        l.say("There is no such user", "用户不存在"),
        l.say(
            "The user was deleted, or the name is mistyped.",
            "该用户可能已被删除，或用户名有误。",
        ),
    )
}

fn said(l: Language, done: &str) -> Option<&'static str> {
    Some(match done {
        "made" => l.say(
            "The user was added and can log in now.",
            "用户已创建，现在可以登录。",
        ),
        "changed" => l.say("The user was changed.", "用户信息已修改。"),
        "password" => l.say(
            "The password was set. Who was logged in with the old one is logged out.",
            "密码已设置，使用旧密码登录的会话已退出。",
        ),
        "group-added" => l.say(
            "The user is in the group. New tokens carry it.",
            "已加入用户组，新签发的令牌将包含该组。",
        ),
        "group-removed" => l.say(
            "The user is out of the group. Tokens that carry it are refused.",
            "已移出用户组，包含该组的令牌即刻失效。",
        ),
        "unlocked" => l.say(
            "The user can log in from everywhere again.",
            "已解除锁定，用户可以重新登录。",
        ),
        "ended" => l.say("The session was ended.", "会话已结束。"),
        "ended-all" => l.say(
            "All sessions and tokens of the user were ended.",
            "该用户的全部会话和令牌已失效。",
        ),
        _ => return None,
    })
}

/// Shows a user with these fields in its forms.
pub(super) fn shown(
    session: &Session,
    status: StatusCode,
    whole: &Whole,
    fields: &UserFields,
    above: &Markup,
) -> Page {
    let view = &session.view;
    let l = view.language;
    let Whole {
        user,
        groups,
        keys,
        sessions,
    } = whole;
    let here = here_of(&user.name);
    let content = html! {
        div.title-row {
            h1 { (user.name) }
            div.title-action {
                a.button.quiet.danger href=(format!("{here}/delete")) { (l.say("Delete", "删除")) }
            }
        }
        (above)
        @if user.status.locked_until.is_some() {
            (parts::notice(Notice::Warning, unlock(view, &here)))
        }
        div.card { (facts(l, whole)) }
        h2 { (l.say("Change it", "修改")) }
        form.card method="post" action=(here) {
            (parts::proof(view))
            (fields.profile(l))
            (fields.state(l))
            p.hint { (l.say("What is left empty stays as it is.", "留空的项保持不变。")) }
            div.actions { button.primary type="submit" name="do" value="profile" { (l.say("Save", "保存")) } }
        }
        h2 { (l.say("Password", "密码")) }
        form.card method="post" action=(here) {
            (parts::proof(view))
            // What password managers keep it under.
            input type="text" name="username" value=(user.name) autocomplete="username" hidden;
            (fields::password(l))
            p.hint {
                (l.say(
                    "All tokens that the user has until now are refused then.",
                    "设置后，该用户此前的全部令牌都会失效。",
                ))
            }
            div.actions { button type="submit" name="do" value="password" { (l.say("Set the password", "设置密码")) } }
        }
        h2 { (l.say("Groups", "用户组")) }
        (groups::card(view, &here, groups, &fields.group))
        h2 { (l.say("Access keys", "密钥")) }
        (keys::card(l, &user.name, keys))
        h2 { (l.say("Sessions", "会话")) }
        @if sessions.items.is_empty() {
            p.muted { (l.say("The user is logged in nowhere.", "该用户目前没有登录。")) }
        } @else {
            @let own = session.who.session.as_ref().map(|own| own.id.as_str());
            (table(l, l.say("Sessions of the user", "该用户的会话"), &sessions.items, own, |one, words| {
                let fields = [("do", "end-session"), ("session", one.id.as_str())];
                parts::small_button(view, &here, &fields, l.say("End", "结束"), words)
            }))
        }
        p.actions {
            a.button.danger href=(format!("{here}/end-sessions")) { (l.say("End all sessions and tokens", "结束全部会话和令牌")) }
        }
    };
    layout::page_with(view, status, &user.name, content)
}

fn facts(l: Language, whole: &Whole) -> Markup {
    let user = &whole.user;
    let (spec, status) = (&user.spec, &user.status);
    html! {
        dl.facts {
            dt { (l.say("Display name", "显示名称")) } dd { (spec.display_name) }
            @if !spec.email.is_empty() { dt { (l.say("E-mail", "邮箱")) } dd { (spec.email) } }
            @if !spec.phone.is_empty() { dt { (l.say("Phone", "手机")) } dd { (spec.phone) } }
            dt { (l.say("State", "状态")) } dd { (words::state(l, user)) }
            dt { (l.say("Last login", "最近登录")) }
            dd {
                (parts::moment_or(status.last_login_time.as_deref(), l.say("Never", "从未")))
                @if let Some(address) = &status.last_login_ip {
                    " " span.muted { (l.tell("from {}", "来自 {}", address)) }
                }
            }
        }
    }
}

fn unlock(view: &View, here: &str) -> Markup {
    let l = view.language;
    html! {
        form method="post" action=(here) {
            (parts::proof(view))
            p {
                (l.say(
                    "The password was being guessed. Until the lock ends, the user logs in only from addresses that are known from before.",
                    "该用户的密码曾被多次猜测。锁定期间，用户只能从以前登录过的地址登录。",
                ))
            }
            div.actions { button type="submit" name="do" value="unlock" { (l.say("Unlock", "解除锁定")) } }
        }
    }
}
