//! The list of users.

use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Response};
use cubegate_api_types::cube::{UserItem, UserList};
use maud::{Markup, html};

use super::{HERE, PATH, here_of, keys, words};
use crate::form::Fields;
use crate::language::Language;
use crate::layout;
use crate::link::with_query;
use crate::listing::{Listing, text_field};
use crate::paging::Paging;
use crate::parts::{self, Notice};
use crate::session::AdminSession;

pub(super) async fn page(
    AdminSession(session): AdminSession,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let (wanted, paging) = (query.get("query"), Paging::of(&query));
    let path = with_query(
        PATH,
        &[
            ("query", wanted),
            ("pageSize", &paging.size.to_string()),
            ("pageNum", &paging.number.to_string()),
        ],
    );
    let users: UserList = match session.ask.get(&path).await {
        Ok(users) => users,
        Err(refusal) => return session.refused(&refusal),
    };
    let listing = Listing {
        here: HERE,
        typed: &[("query", wanted)],
        paging,
    };
    let view = &session.view;
    let l = view.language;
    let title = l.say("Users", "用户");
    let content = html! {
        (parts::head(
            title,
            l.say(
                "Who may log in. What they may do in a cluster is decided there, by their name and groups.",
                "可以登录网关的用户。用户在集群中的权限由集群按用户名和用户组决定。",
            ),
            &html! {
                a.button.quiet href=(keys::HERE) { (l.say("Their access keys", "用户密钥")) }
                a.button.primary href="/console/users/new" { (l.say("Add a user", "添加用户")) }
            },
        ))
        @if query.get("done") == "deleted" {
            (parts::notice(Notice::Done, html! {
                p { (l.say("The user was deleted. The keys and tokens it had are refused from now on.", "用户已删除，其密钥和令牌即刻失效。")) }
            }))
        }
        (listing.form(l, text_field(l.say("Name or display name", "用户名或显示名称"), wanted)))
        div #results { (results(l, &users, wanted, &listing)) }
    };
    layout::page(view, title, content).into_response()
}

fn results(l: Language, users: &UserList, wanted: &str, listing: &Listing<'_>) -> Markup {
    if users.items.is_empty() {
        return none(l, users.total, wanted);
    }
    let label = l.say("Users", "用户");
    let table = parts::table(
        label,
        &[
            l.say("Name", "用户名"),
            l.say("State", "状态"),
            l.say("E-mail", "邮箱"),
            l.say("Last login", "最近登录"),
            l.say("Actions", "操作"),
        ],
        html! { @for user in &users.items { (row(l, user)) } },
    );
    listing.shown(l, users.total, table)
}

/// Nobody is found, or the page is behind the last one.
fn none(l: Language, total: u64, wanted: &str) -> Markup {
    let all = html! { p { a.button href=(HERE) { (l.say("Show all users", "显示全部用户")) } } };
    if total > 0 || wanted.is_empty() {
        return parts::empty(
            l.say("There is nothing on this page", "此页没有内容"),
            l.say("The list has become shorter.", "列表已变短。"),
            all,
        );
    }
    parts::empty(
        l.say("Nobody is called so", "没有匹配的用户"),
        &l.tell(
            "No name and no display name has “{}” in it. Upper and lower case differ.",
            "没有用户名或显示名称包含“{}”。搜索区分大小写。",
            wanted,
        ),
        all,
    )
}

fn row(l: Language, user: &UserItem) -> Markup {
    let href = here_of(&user.name);
    let status = &user.status;
    html! {
        tr.over[words::is_off(user)] {
            th scope="row" {
                a href=(href) { (user.name) }
                @if user.spec.display_name != user.name {
                    div.muted.small-text { (user.spec.display_name) }
                }
            }
            td { (words::state(l, user)) }
            td { (user.spec.email) }
            td {
                (parts::moment_or(status.last_login_time.as_deref(), l.say("Never", "从未")))
                @if let Some(address) = &status.last_login_ip {
                    div.muted.small-text { (l.tell("from {}", "来自 {}", address)) }
                }
            }
            td.row-actions {
                a.button.quiet.small href=(href) {
                    (l.say("Manage", "管理")) span.visually-hidden { " " (user.name) }
                }
                a.button.quiet.small.danger href=(format!("{href}/delete")) {
                    (l.say("Delete", "删除")) span.visually-hidden { " " (user.name) }
                }
            }
        }
    }
}
