//! A list, and what chooses it.

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::kinds::Kind;
use super::query::{Query, proxy};
use super::table::{ACCEPT, Table};
use crate::ask::{Answer, Ask, Refusal};
use crate::form::Fields;
use crate::language::Language;
use crate::later::Part;
use crate::parts;
use crate::session::Session;
use crate::{curl, later, layout};

/// How many namespaces are offered; others can be typed.
const MOST_NAMESPACES: usize = 500;

/// What is shown where nothing is chosen.
const FIRST_KIND: &str = "pods.v1";

#[derive(Deserialize)]
struct Named {
    metadata: NamedMetadata,
}

#[derive(Deserialize)]
struct NamedMetadata {
    name: String,
}

#[derive(Deserialize)]
struct Names {
    items: Vec<Named>,
}

/// A list that was read, or why it was not.
type Read = Result<Table, Refusal>;

pub(super) async fn page(session: Session, RawQuery(raw): RawQuery) -> Response {
    let mut query = Query::parse(&Fields::parse(raw.unwrap_or_default().as_bytes()));
    let view = &session.view;
    let l = view.language;
    let clusters = session.ask.console().clusters.resources();
    if query.cluster.is_empty() {
        let first = clusters.keys().next();
        query.cluster = first.cloned().unwrap_or_default();
    }
    let title = l.say("Resources", "资源");
    if clusters.is_empty() {
        let content = html! { h1 { (title) } (no_clusters(l)) };
        return layout::page(view, title, content).into_response();
    }
    let kinds = clusters
        .get(&query.cluster)
        .map(|resources| Kind::all(resources))
        .unwrap_or_default();
    if query.resource.is_empty() {
        FIRST_KIND.clone_into(&mut query.resource);
    }
    let kind = kinds.iter().find(|kind| kind.name == query.resource);
    let names: Vec<&str> = clusters.keys().map(String::as_str).collect();
    let content = html! {
        h1 { (title) }
        (chooser(l, &query, &names, &kinds))
    };
    let waiting = l.tell(
        "{} is asked. A long list takes its time…",
        "正在读取集群 {}，列表较长时需要一些时间……",
        &query.cluster,
    );
    let (view, kind) = (view.clone(), kind.cloned());
    let part = asked(session, query, kind);
    later::page(&view, title, content, &waiting, part).await
}

/// Asks the cluster, and returns what it has answered.
async fn asked(session: Session, query: Query, kind: Option<Kind>) -> Part {
    let (namespaces, read) = tokio::join!(
        namespaces(&session.ask, &query.cluster),
        read(&session.ask, &query, kind.as_ref())
    );
    let status = match &read {
        Some(Err(refusal)) => refusal.status,
        _ => StatusCode::OK,
    };
    let content = html! {
        // Offered by the field of the form, wherever they stand.
        datalist #namespaces { @for name in &namespaces { option value=(name) {} } }
        (results(&session, &query, kind.as_ref(), read))
    };
    Part { status, content }
}

async fn read(ask: &Ask, query: &Query, kind: Option<&Kind>) -> Option<Read> {
    let answer = ask.member(&query.asked(kind?), ACCEPT).await;
    Some(answer.and_then(Answer::json))
}

/// Returns the names of the namespaces that may be seen, for choosing.
async fn namespaces(ask: &Ask, cluster: &str) -> Vec<String> {
    let path = format!(
        "{}/api/v1/namespaces?fields=metadata.name&pageSize={MOST_NAMESPACES}",
        proxy(cluster)
    );
    let answer = ask.member(&path, "application/json").await;
    let names: Result<Names, _> = answer.and_then(Answer::json);
    // Who may not list them types one.
    let items = names.map(|names| names.items).unwrap_or_default();
    items.into_iter().map(|item| item.metadata.name).collect()
}

fn no_clusters(l: Language) -> Markup {
    parts::empty(
        l.say("There are no clusters yet", "还没有集群"),
        l.say(
            "What a cluster holds is shown here as soon as one is registered and answers.",
            "注册集群并连通后，这里会显示其中的资源。",
        ),
        html! { p { a.button href="/console/clusters" { (l.say("To the clusters", "查看集群")) } } },
    )
}

fn chooser(l: Language, query: &Query, clusters: &[&str], kinds: &[Kind]) -> Markup {
    let option = |kind: &Kind| {
        html! {
            option value=(kind.name) selected[kind.name == query.resource] {
                (kind.kind)
                @if !kind.group.is_empty() { " · " (kind.name) }
            }
        }
    };
    html! {
        form.filters #chooser method="get" action="/console/resources" data-live {
            div.field {
                label for="cluster" { (l.say("Cluster", "集群")) }
                select #cluster name="cluster" data-submits {
                    @for name in clusters { option value=(name) selected[*name == query.cluster] { (name) } }
                }
            }
            div.field {
                label for="namespace" { (l.say("Namespace", "命名空间")) }
                input #namespace name="namespace" value=(query.namespace) list="namespaces" autocomplete="off"
                    spellcheck="false" placeholder=(l.say("All", "全部"));
            }
            div.field.kind {
                label for="resource" { (l.say("Kind", "类型")) }
                select #resource name="resource" data-submits {
                    optgroup label=(l.say("Common", "常用")) {
                        @for kind in kinds.iter().filter(|kind| kind.is_common()) { (option(kind)) }
                    }
                    optgroup label=(l.say("All others", "其他")) {
                        @for kind in kinds.iter().filter(|kind| !kind.is_common()) { (option(kind)) }
                    }
                }
            }
            div.field.grow {
                label for="search" { (l.say("Name contains", "名称包含")) }
                input #search name="search" type="search" value=(query.search) autocomplete="off" spellcheck="false";
            }
            (query.paging.field(l))
            button type="submit" { (l.say("Show", "查询")) }
        }
    }
}

fn results(session: &Session, query: &Query, kind: Option<&Kind>, read: Option<Read>) -> Markup {
    let l = session.view.language;
    let (Some(kind), Some(read)) = (kind, read) else {
        return parts::empty(
            l.say("This cluster has no such kind", "该集群没有此类资源"),
            l.say(
                "Choose another one. The kinds of a cluster are read within a minute after a change; of one that has never answered none are known.",
                "请选择其他类型。集群的资源类型变化后，网关会在一分钟内读取；从未连通的集群没有类型信息。",
            ),
            html! {},
        );
    };
    let table = match read {
        Ok(table) => table,
        Err(refusal) => return parts::refused(l, &refusal),
    };
    let url = format!("{}{}", session.ask.console().public_url, query.asked(kind));
    let pages = query.paging.among(table.total);
    let shows_namespace = kind.namespaced && query.namespace.is_empty();
    html! {
        // With the results, which change without the form: another search keeps the order.
        @if !query.sort.is_empty() { input type="hidden" name="sort" value=(query.sort) form="chooser"; }
        @if table.is_empty() {
            (parts::empty(
                l.say("Nothing is here", "没有数据"),
                l.say("No object fits what was chosen above.", "没有符合上述条件的对象。"),
                html! {},
            ))
        } @else {
            (table.markup(l, query, shows_namespace, &l.tell("{}, a page", "{} 列表", &kind.kind)))
        }
        @if pages.total > 0 { (parts::pager(l, pages, |page| query.on_page(page))) }
        (parts::copyable(l, "list-curl", l.say("What this page asks", "本页对应的请求"), &curl::get_with_variable(&url)))
    }
}
