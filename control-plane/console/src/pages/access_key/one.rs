//! One key: what is known of it, and what can be done with it.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use cubegate_api_types::cube::KeyObject;
use maud::{Markup, html};

use super::fields::KeyFields;
use super::{here_of, like, list, words};
use crate::layout::{self, Page};
use crate::parts::{self, Notice};
use crate::session::Session;
use crate::view::View;

/// How long the old secret may go on, in seconds, and in words.
const OVERLAPS: [(u32, &str, &str); 4] = [
    (0, "Not at all: it is refused at once", "立即失效"),
    (3_600, "For an hour", "1 小时"),
    (86_400, "For a day", "1 天"),
    (604_800, "For a week", "7 天"),
];

pub(super) async fn page(session: Session, Path(name): Path<String>) -> Response {
    match super::key(&session, &name).await {
        Ok(Some(key)) => shown(
            &session,
            StatusCode::OK,
            &key,
            &KeyFields::of(&key),
            html! {},
        )
        .into_response(),
        Ok(None) => gone(&session.view).into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}

pub(super) async fn confirm(session: Session, Path(name): Path<String>) -> Response {
    let key = match super::key(&session, &name).await {
        Ok(Some(key)) => key,
        Ok(None) => return gone(&session.view).into_response(),
        Err(refusal) => return session.refused(&refusal),
    };
    let view = &session.view;
    let l = view.language;
    let title = l.say("Delete this key?", "删除该密钥？");
    let content = html! {
        h1 { (title) }
        div.card {
            (facts(view, &key))
            p {
                (l.say(
                    "Programs that use it are refused from then on, and so are the tokens that they have. This cannot be undone.",
                    "删除后，使用它的程序及其已获得的令牌会立即被拒绝，且无法恢复。",
                ))
            }
            form.actions method="post" action=(format!("{}/delete", here_of(&name))) {
                (parts::proof(view))
                button.primary.danger type="submit" { (l.say("Delete the key", "删除密钥")) }
                a.button.quiet href="/console/keys" { (l.say("Keep it", "保留")) }
            }
        }
    };
    layout::page(view, title, content).into_response()
}

/// A key that there is not, or is somebody else's.
pub(super) fn gone(view: &View) -> Page {
    let l = view.language;
    layout::failure(
        view,
        StatusCode::NOT_FOUND,
        l.say("You have no such key", "没有该密钥"),
        l.say(
            "It was deleted, or it is somebody else's.",
            "它可能已被删除，或不属于您。",
        ),
    )
}

/// Shows a key with these fields in its form.
pub(super) fn shown(
    session: &Session,
    status: StatusCode,
    key: &KeyObject,
    fields: &KeyFields,
    above: Markup,
) -> Page {
    let view = &session.view;
    let l = view.language;
    let (name, id) = (words::name(l, key), &key.metadata.name);
    let here = here_of(id);
    let resources = session.ask.console().clusters.resources();
    let clusters: Vec<String> = resources.into_keys().collect();
    let content = html! {
        div.title-row {
            h1 { (name) }
            div.title-action {
                a.button.quiet href=(like(id)) { (l.say("Regenerate", "重新生成")) }
                a.button.quiet.danger href=(format!("{here}/delete")) { (l.say("Delete", "删除")) }
            }
        }
        (above)
        div.card { (facts(view, key)) }
        h2 { (l.say("Change it", "修改")) }
        form.card method="post" action=(here) {
            (parts::proof(view))
            (fields.markup(l, &clusters, true))
            div.actions { button.primary type="submit" { (l.say("Save", "保存")) } }
        }
        h2 { (l.say("Another secret", "更换私密密钥")) }
        form.card method="post" action=(format!("{here}/rotate")) {
            (parts::proof(view))
            (parts::once())
            p { (l.say(
                "The key stays and gets a new secret. Let the old one work until your programs have the new one.",
                "密钥不变，仅更换私密密钥。可让旧的私密密钥在程序更新前继续有效。",
            )) }
            div.field {
                label for="overlap" { (l.say("The old secret still works", "旧私密密钥继续有效")) }
                select #overlap name="overlap" {
                    @for (seconds, en, zh) in OVERLAPS {
                        option value=(seconds) selected[seconds == 86_400] { (l.say(en, zh)) }
                    }
                }
            }
            div.actions { button type="submit" { (l.say("Roll over", "更换")) } }
        }
    };
    layout::page_with(view, status, &name, content)
}

fn facts(view: &View, key: &KeyObject) -> Markup {
    let l = view.language;
    let spec = &key.spec;
    html! {
        @if words::is_expired(key) {
            (parts::notice(Notice::Warning, html! { p { (l.say("This key has expired: it gives no tokens.", "该密钥已过期，不能再生成令牌。")) } }))
        }
        dl.facts {
            dt { (l.say("Name", "名称")) } dd { (words::name(l, key)) }
            dt { (l.say("Access key", "访问密钥")) } dd.mono { (key.metadata.name) }
            @if !spec.description.is_empty() { dt { (l.say("Description", "描述")) } dd { (spec.description) } }
            dt { (l.say("Good for", "权限范围")) } dd { (words::scope(l, spec.scope.as_ref())) }
            dt { (l.say("Created", "创建时间")) } dd { (parts::moment(&key.metadata.creation_timestamp)) }
            dt { (l.say("Last used", "最近使用")) }
            dd { (parts::moment_or(spec.last_used_time.as_deref(), l.say("Never", "从未"))) (list::last_use(l, key)) }
            dt { (l.say("Expires", "过期时间")) }
            dd { (parts::moment_or(spec.expires_at.as_deref(), l.say("Never", "永不过期"))) }
            @if let Some(until) = &spec.old_secret_until {
                dt { (l.say("Old secret until", "旧私密密钥有效至")) } dd { (parts::moment(until)) }
            }
        }
    }
}
