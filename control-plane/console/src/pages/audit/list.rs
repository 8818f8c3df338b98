//! The records, and what chooses them.

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::HERE;
use super::record::Records;
use super::search::Search;
use crate::form::Fields;
use crate::language::Language;
use crate::layout;
use crate::parts::{self, Notice};
use crate::session::AdminSession;

pub(super) async fn page(
    AdminSession(session): AdminSession,
    RawQuery(query): RawQuery,
) -> Response {
    let search = Search::of(&Fields::parse(query.unwrap_or_default().as_bytes()));
    let view = &session.view;
    let l = view.language;
    let records: Result<Records, _> = session.ask.get(&search.page()).await;
    // A search that cannot be read is shown again, with why.
    let (status, results) = match &records {
        Ok(records) => (StatusCode::OK, shown(l, records, &search)),
        Err(refusal) if refusal.is_logged_out() => return session.refused(refusal),
        Err(refusal) => (refusal.status, parts::refused(l, refusal)),
    };
    let clusters = session.ask.console().clusters.resources();
    let title = l.say("Audit", "审计");
    let content = html! {
        (parts::head(
            title,
            l.say(
                "Who did what, with which key, on which cluster, and how it ended: every request to a cluster, and every change and refusal of the gateway itself.",
                "谁、用哪个密钥、在哪个集群、做了什么、结果如何：包括对集群的每个请求，以及网关自身的每次变更和拒绝。",
            ),
            &html! {
                @if records.is_ok() {
                    a.button href=(search.export()) download { (l.say("Export as JSON lines", "导出为 JSON Lines")) }
                }
            },
        ))
        (form(l, &search, clusters.keys().map(String::as_str)))
        div #results { (results) }
    };
    layout::page_with(view, status, title, content).into_response()
}

fn form<'a>(l: Language, search: &Search, clusters: impl Iterator<Item = &'a str>) -> Markup {
    html! {
        form.filters method="get" action=(HERE) data-live {
            div.field {
                label for="from" { (l.say("From (UTC)", "起始时间 (UTC)")) }
                input #from name="from" type="datetime-local" value=(search.from);
            }
            div.field {
                label for="to" { (l.say("Before (UTC)", "截止时间 (UTC)")) }
                input #to name="to" type="datetime-local" value=(search.to);
            }
            div.field {
                label for="user" { (l.say("User", "用户")) }
                input #user name="user" value=(search.user) autocomplete="off" autocapitalize="none" spellcheck="false";
            }
            div.field {
                label for="cluster" { (l.say("Cluster", "集群")) }
                input #cluster name="cluster" value=(search.cluster) list="clusters" autocomplete="off" spellcheck="false";
                datalist #clusters { @for name in clusters { option value=(name) {} } }
            }
            (search.paging.field(l))
            div.field.grow {
                label for="filter" { (l.say("Filter", "过滤条件")) }
                input #filter .mono name="filter" value=(search.filter) autocomplete="off" autocapitalize="none" spellcheck="false"
                    aria-describedby="filter-hint";
            }
            button type="submit" { (l.say("Show", "查询")) }
        }
        p.muted.small-text #filter-hint {
            (l.say(
                "The filter is of the list language, on the fields of a record: a comma is “and”, ",
                "过滤条件使用列表查询语言，可用记录的任意字段：逗号表示“且”，",
            ))
            code { "||" } (l.say(" is “or”, ", " 表示“或”，")) code { "~" } (l.say(" is “contains”. Examples: ", " 表示“包含”。例如："))
            code { "status>=400" } (l.say(", ", "，")) code { "verb=delete,namespace=web" } (l.say(", ", "，"))
            code { "path~/secrets" } (l.say(".", "。"))
        }
    }
}

fn shown(l: Language, records: &Records, search: &Search) -> Markup {
    html! {
        @if records.dropped > 0 {
            (parts::notice(Notice::Warning, html! {
                p {
                    (l.tell(
                        "{} records were lost since this control plane began: it had no room for them.",
                        "该控制面启动以来丢失了 {} 条记录：队列已满。",
                        records.dropped,
                    ))
                }
            }))
        }
        @if records.items.is_empty() { (none(l, search)) }
        @else {
            (search.listing(&search.typed()).shown(l, records.total, table(l, records)))
        }
    }
}

fn none(l: Language, search: &Search) -> Markup {
    if search.is_everything() {
        return parts::empty(
            l.say("Nothing is recorded here", "没有记录"),
            l.say(
                "Records come with the first request, and go when they are older than they are to be kept.",
                "产生请求后即有记录，超过保留期限后会被清除。",
            ),
            html! {},
        );
    }
    parts::empty(
        l.say("Nothing like that is recorded", "没有符合条件的记录"),
        l.say(
            "Choose a longer time, or leave a condition out. Times are in UTC.",
            "请扩大时间范围或减少条件。时间为 UTC。",
        ),
        html! { p { a.button href=(HERE) { (l.say("Show all records", "显示全部记录")) } } },
    )
}

fn table(l: Language, records: &Records) -> Markup {
    let label = l.say("Audit records, the newest first", "审计记录，最新的在前");
    parts::table(
        label,
        &[
            l.say("Time", "时间"),
            l.say("User and key", "用户与密钥"),
            l.say("Cluster", "集群"),
            l.say("Verb and object", "操作与对象"),
            l.say("Result and reason", "结果与原因"),
            l.say("Client", "客户端"),
        ],
        html! { @for record in &records.items { (record.row(l)) } },
    )
}
