//! The access keys of all users, or of one, for administrators: to be looked at. Their owners
//! change and delete them.

use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Response};
use cubegate_api_types::cube::{KeyObject, KeyPage};
use maud::{Markup, html};
use serde_json::Value;

use super::here_of;
use crate::ask::{Ask, Refusal};
use crate::form::Fields;
use crate::language::Language;
use crate::link::with_query;
use crate::listing::{Listing, text_field};
use crate::pages::access_key::{list, words};
use crate::paging::Paging;
use crate::session::AdminSession;
use crate::{layout, parts};

pub(super) const HERE: &str = "/console/users/keys";

/// How many of a user's stand on its page; more than five have come from elsewhere.
const ON_PAGE_OF_USER: u64 = 5;

/// What is looked for.
struct Wanted<'a> {
    /// Empty for everybody's.
    user: &'a str,
    /// A part of the key, its name or its owner; empty for all.
    text: &'a str,
    paging: Paging,
}

// === impl Wanted ===

impl Wanted<'_> {
    async fn read(&self, ask: &Ask) -> Result<KeyPage, Refusal> {
        let filter = match self.text {
            "" => String::new(),
            text => {
                // A JSON string is what the list language takes for any text.
                let text = Value::from(text);
                format!("metadata.name~{text}||spec.name~{text}||spec.user~{text}")
            }
        };
        let path = with_query(
            "/api/v1/cube/keys",
            &[
                ("user", self.user),
                ("filter", &filter),
                ("sort", "spec.user,metadata.creationTimestamp:time"),
                ("pageSize", &self.paging.size.to_string()),
                ("pageNum", &self.paging.number.to_string()),
            ],
        );
        ask.get(&path).await
    }
}

/// Returns the first keys of a user, and how many there are.
pub(super) async fn of_user(ask: &Ask, user: &str) -> Result<KeyPage, Refusal> {
    let paging = Paging {
        number: 1,
        size: ON_PAGE_OF_USER,
    };
    let text = "";
    Wanted { user, text, paging }.read(ask).await
}

/// Shows them on the user's page.
pub(super) fn card(l: Language, user: &str, keys: &KeyPage) -> Markup {
    html! {
        @if keys.items.is_empty() {
            p.muted { (l.say("The user has no access keys.", "该用户没有密钥。")) }
        } @else {
            (table(l, l.say("Access keys of the user", "该用户的密钥"), &keys.items, false))
            @if keys.total > ON_PAGE_OF_USER {
                p { a href=(with_query(HERE, &[("user", user)])) {
                    (l.tell("All {} keys of the user", "查看该用户的全部 {} 对密钥", keys.total))
                } }
            }
        }
    }
}

pub(super) async fn page(
    AdminSession(session): AdminSession,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let wanted = Wanted {
        user: query.get("user"),
        text: query.get("query"),
        paging: Paging::of(&query),
    };
    let keys = match wanted.read(&session.ask).await {
        Ok(keys) => keys,
        Err(refusal) => return session.refused(&refusal),
    };
    let listing = Listing {
        here: HERE,
        typed: &[("user", wanted.user), ("query", wanted.text)],
        paging: wanted.paging,
    };
    let l = session.view.language;
    let title = l.say("Access keys of users", "用户密钥");
    let content = html! {
        (parts::head(
            title,
            l.say(
                "Which keys act for whom. Only owners change them; whom you disable loses all of them at once.",
                "各用户持有的密钥。密钥只能由其所有者修改；禁用用户后，其全部密钥立即失效。",
            ),
            &html! { a.button.quiet href="/console/users" { (l.say("To the users", "查看用户")) } },
        ))
        (listing.form(l, search(l, &wanted)))
        div #results { (results(l, &keys, &listing)) }
    };
    layout::page(&session.view, title, content).into_response()
}

fn search(l: Language, wanted: &Wanted<'_>) -> Markup {
    html! {
        (text_field(l.say("Key, name or owner contains", "密钥、名称或所有者包含"), wanted.text))
        div.field {
            label for="user" { (l.say("Of the user", "用户")) }
            input #user name="user" value=(wanted.user) autocomplete="off" autocapitalize="none" spellcheck="false"
                placeholder=(l.say("All", "全部"));
        }
    }
}

fn results(l: Language, keys: &KeyPage, listing: &Listing<'_>) -> Markup {
    if keys.items.is_empty() {
        return parts::empty(
            l.say("There is no such key", "没有匹配的密钥"),
            l.say(
                "Nothing fits what was chosen above, or the list has become shorter.",
                "没有符合上述条件的密钥，或列表已变短。",
            ),
            html! { p { a.button href=(HERE) { (l.say("Show all keys", "显示全部密钥")) } } },
        );
    }
    let label = l.say("Access keys", "密钥");
    listing.shown(l, keys.total, table(l, label, &keys.items, true))
}

/// Returns them as a table; `owners` are shown where they are not the same.
fn table(l: Language, label: &str, keys: &[KeyObject], owners: bool) -> Markup {
    let mut headings = vec![l.say("Name", "名称")];
    if owners {
        headings.push(l.say("Owner", "所有者"));
    }
    headings.extend(list::known_headings(l));
    let everything = l.say("Everything that its owner may do", "所有者的全部权限");
    let row = |key: &KeyObject| {
        let user = &key.spec.user;
        html! {
            tr.over[words::is_expired(key)] {
                th scope="row" {
                    (words::name(l, key))
                    div.mono.muted.small-text title=(key.metadata.name) { (words::prefix(key)) }
                }
                @if owners { td.short { a href=(here_of(user)) { (user) } } }
                (list::known(l, key, everything))
            }
        }
    };
    parts::table(label, &headings, html! { @for key in keys { (row(key)) } })
}
