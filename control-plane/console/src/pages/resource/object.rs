//! One object, as YAML.

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::html;

use super::kinds::Kind;
use super::query::{Query, proxy};
use super::yaml;
use crate::ask::Refusal;
use crate::form::Fields;
use crate::later::Part;
use crate::link::segment;
use crate::session::Session;
use crate::view::View;
use crate::{curl, later, layout, parts};

pub(super) async fn page(session: Session, RawQuery(raw): RawQuery) -> Response {
    let fields = Fields::parse(raw.unwrap_or_default().as_bytes());
    let (query, name) = (Query::parse(&fields), fields.get("name"));
    let view = &session.view;
    let l = view.language;
    let console = session.ask.console();
    let clusters = console.clusters.resources();
    let kinds = clusters
        .get(&query.cluster)
        .map(|resources| Kind::all(resources));
    let kind = kinds.and_then(|kinds| kinds.into_iter().find(|kind| kind.name == query.resource));
    let Some(kind) = kind.filter(|_| !name.is_empty()) else {
        return unknown(view);
    };
    let path = kind.path(&query.namespace);
    let asked = format!("{}{path}/{}", proxy(&query.cluster), segment(name));
    let list = Query {
        namespace: if kind.namespaced {
            query.namespace.clone()
        } else {
            String::new()
        },
        ..query
    };
    let content = html! {
        p { a href=(list.url()) { "← " (l.tell("All {}", "全部 {}", &kind.kind)) } }
        h1 { (name) }
        p.lead {
            (kind.kind)
            @if !list.namespace.is_empty() { (l.tell(" in namespace {}", "，命名空间 {}", &list.namespace)) }
            (l.tell(", cluster {}", "，集群 {}", &list.cluster))
        }
    };
    let waiting = l.tell("{} is asked…", "正在读取集群 {}……", &list.cluster);
    let view = view.clone();
    later::page(&view, name, content, &waiting, read(session, asked)).await
}

/// Asks the cluster, and returns what it has answered.
async fn read(session: Session, asked: String) -> Part {
    let l = session.view.language;
    let answer = session.ask.member(&asked, "application/json").await;
    let yaml = answer.and_then(|answer| {
        yaml::of_object(&answer.body).map_err(|message| Refusal {
            status: StatusCode::BAD_GATEWAY,
            message,
        })
    });
    let url = format!("{}{asked}", session.ask.console().public_url);
    let (status, content) = match yaml {
        Ok(yaml) => (
            StatusCode::OK,
            html! {
                div.object { (parts::copyable(l, "object", "YAML", &yaml)) }
                (parts::copyable(l, "object-curl", "curl", &curl::get_with_variable(&url)))
            },
        ),
        Err(refusal) => (refusal.status, parts::refused(l, &refusal)),
    };
    Part { status, content }
}

fn unknown(view: &View) -> Response {
    let l = view.language;
    layout::failure(
        view,
        StatusCode::NOT_FOUND,
        l.say("There is no such object", "没有该对象"),
        l.say(
            "The cluster, or the kind in it, is not known. Begin at the list of resources.",
            "集群或资源类型未知。请从资源列表开始。",
        ),
    )
    .into_response()
}
