//! The list of keys.

use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Response};
use cubegate_api_types::cube::KeyObject;
use maud::{Markup, html};

use super::{MOST, here_of, like, words};
use crate::form::Fields;
use crate::language::Language;
use crate::layout;
use crate::listing::Listing;
use crate::paging::Paging;
use crate::parts::{self, Notice};
use crate::session::Session;

pub(super) async fn page(session: Session, RawQuery(query): RawQuery) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let paging = Paging::of(&query);
    let keys = match super::keys(&session).await {
        Ok(keys) => keys,
        Err(refusal) => return session.refused(&refusal),
    };
    let view = &session.view;
    let l = view.language;
    let title = l.say("Access keys", "密钥管理");
    let content = html! {
        (parts::head(
            title,
            l.say(
                "A program proves with a key that it acts for you. It exchanges the key for a token, and the token opens every cluster.",
                "程序凭密钥代表您访问：先用密钥换取令牌，再用令牌访问各个集群。",
            ),
            &add(l, keys.len()),
        ))
        @if let Some(said) = said(l, query.get("done")) { (parts::notice(Notice::Done, html! { p { (said) } })) }
        @if keys.is_empty() {
            (parts::empty(
                l.say("You have no keys yet", "您还没有密钥"),
                l.say("With a key, scripts and programs call the gateway without your password.", "有了密钥，脚本和程序无需您的密码即可调用网关。"),
                html! { p { a.button.primary href="/console/keys/new" { (l.say("Add a key", "添加密钥")) } } },
            ))
        } @else {
            (shown(l, &keys, paging))
            p.muted.small-text {
                (l.say(
                    "The gateway keeps no secret, only what it recognises one by. ",
                    "网关不保存私密密钥，只保存用于校验的摘要。",
                ))
                a href="/console/token" { (l.say("Get a token from a key", "用密钥生成令牌")) }
            }
        }
    };
    layout::page(view, title, content).into_response()
}

fn add(l: Language, have: usize) -> Markup {
    html! {
        @if have < MOST {
            a.button.primary href="/console/keys/new" { (l.say("Add a key", "添加密钥")) }
        } @else {
            span.button.off aria-disabled="true" { (l.say("Add a key", "添加密钥")) }
        }
        span.muted.small-text { (l.tell("{} of 5", "{} / 5", have)) }
    }
}

fn said(l: Language, done: &str) -> Option<&'static str> {
    Some(match done {
        "deleted" => l.say(
            "The key was deleted. Its tokens are refused from now on.",
            "密钥已删除，由它生成的令牌即刻失效。",
        ),
        "changed" => l.say("The key was changed.", "密钥已修改。"),
        _ => return None,
    })
}

/// Returns a page of them: somebody whose keys were taken over from elsewhere may have any
/// number.
fn shown(l: Language, keys: &[KeyObject], paging: Paging) -> Markup {
    let pages = paging.among(keys.len() as u64);
    let table = table(l, pages.of(keys));
    if !pages.are_several() {
        return table;
    }
    let listing = Listing {
        here: "/console/keys",
        typed: &[],
        paging,
    };
    listing.shown(l, pages.total, table)
}

fn table(l: Language, keys: &[KeyObject]) -> Markup {
    let label = l.say("Your access keys", "您的访问密钥");
    let [scope, created, used, expires] = known_headings(l);
    parts::table(
        label,
        &[
            l.say("Name", "名称"),
            scope,
            created,
            used,
            expires,
            l.say("Actions", "操作"),
        ],
        html! { @for key in keys { (row(l, key)) } },
    )
}

/// The headings of [`known`].
pub(in crate::pages) fn known_headings(l: Language) -> [&'static str; 4] {
    [
        l.say("Good for", "权限范围"),
        l.say("Created", "创建时间"),
        l.say("Last used", "最近使用"),
        l.say("Expires", "过期时间"),
    ]
}

/// Returns the cells of what is known of a key; `everything` is what one without bounds is
/// good for.
pub(in crate::pages) fn known(l: Language, key: &KeyObject, everything: &str) -> Markup {
    html! {
        td { (words::scope_or(l, key.spec.scope.as_ref(), everything)) }
        td.nowrap { (parts::moment(&key.metadata.creation_timestamp)) }
        td {
            (parts::moment_or(key.spec.last_used_time.as_deref(), l.say("Never", "从未")))
            (last_use(l, key))
        }
        td.nowrap {
            (parts::moment_or(key.spec.expires_at.as_deref(), l.say("Never", "永不过期")))
            @if words::is_expired(key) { div { span.badge.bad { (l.say("Expired", "已过期")) } } }
            @else if words::expires_soon(key) { div { span.badge.warn { (l.say("Soon", "即将过期")) } } }
        }
    }
}

fn row(l: Language, key: &KeyObject) -> Markup {
    let id = &key.metadata.name;
    let (name, here) = (words::name(l, key), here_of(id));
    html! {
        tr.over[words::is_expired(key)] {
            th scope="row" {
                a href=(here) { (name) }
                div.mono.muted.small-text title=(id) { (words::prefix(key)) }
            }
            (known(l, key, words::own(l)))
            td.row-actions {
                a.button.quiet.small href=(here) {
                    (l.say("Manage", "管理")) span.visually-hidden { " " (name) }
                }
                a.button.quiet.small href=(like(id)) {
                    (l.say("Regenerate", "重新生成")) span.visually-hidden { " " (name) }
                }
                a.button.quiet.small.danger href=(format!("{here}/delete")) {
                    (l.say("Delete", "删除")) span.visually-hidden { " " (name) }
                }
            }
        }
    }
}

/// Returns from where and for which cluster a key was used last.
pub(super) fn last_use(l: Language, key: &KeyObject) -> Markup {
    let (address, cluster) = (&key.spec.last_used_address, &key.spec.last_used_cluster);
    html! {
        @if address.is_some() || cluster.is_some() {
            div.muted.small-text {
                @if let Some(address) = address { (l.tell("from {}", "来自 {}", address)) " " }
                @if let Some(cluster) = cluster { (l.tell("in {}", "集群 {}", cluster)) }
            }
        }
    }
}
