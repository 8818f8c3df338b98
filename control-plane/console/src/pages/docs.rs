//! `/console/docs`: the HTTP API in words, made of the OpenAPI document that the gateway
//! itself answers. Each call can be tried as who is logged in: the page makes it through the
//! gateway, with the reader's token, as any program would. So the calls of all families are
//! tried alike, though cookies count for KubeCube's alone, and with scripts or without.

mod example;
mod operation;
mod tried;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde_json::Value;

pub(crate) use self::operation::TRY;
use self::operation::{OPERATION, Operation};
use self::tried::Tried;
use crate::form::Typed;
use crate::language::Language;
use crate::session::Session;
use crate::{Console, curl, headers, layout, parts};

const HERE: &str = "/console/docs";

/// What the examples name where no cluster is registered yet.
const SOME_CLUSTER: &str = "member-1";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route(HERE, get(page))
        .route(TRY, post(try_out))
        .layer(axum::middleware::from_fn(headers::set_of_reference))
}

async fn page(session: Session) -> Response {
    let document: Value = match session.ask.get("/openapi.json").await {
        Ok(document) => document,
        Err(refusal) => return session.refused(&refusal),
    };
    let view = &session.view;
    let l = view.language;
    let title = l.say("API reference", "接口文档");
    let operations = Operation::all(&document);
    let tags = text_list(&document, "tags");
    let content = html! {
        div.reference {
            h1 { (title) }
            p.lead {
                (l.say(
                    "Every call of the gateway's own API, KubeCube's and KubeSphere's among them. A call that is tried here is made as you, and what it changes is changed.",
                    "网关自身的全部接口，包括 KubeCube 与 KubeSphere 的接口。在此页面试用的调用以您的身份执行，会产生真实的改动。",
                ))
                " " a href="/openapi.json" { "openapi.json" }
            }
            (kubernetes(l, &session))
            @for (name, description) in &tags {
                section {
                    h2 id=(format!("tag-{name}")) { (name) }
                    @if !description.is_empty() { p.muted lang="en" { (description) } }
                    @for operation in operations.iter().filter(|operation| operation.tag == *name) {
                        (operation.markup(view, None))
                    }
                }
            }
        }
    };
    layout::page(view, title, content).into_response()
}

/// Makes a call that the document has, and shows what it has answered.
async fn try_out(
    Typed {
        mut session,
        fields,
        resumed,
    }: Typed,
) -> Response {
    let document: Value = match session.ask.get("/openapi.json").await {
        Ok(document) => document,
        Err(refusal) => return session.refused(&refusal),
    };
    let operations = Operation::all(&document);
    let wanted = fields.get(OPERATION);
    let operation = operations.iter().find(|operation| operation.id() == wanted);
    let l = session.view.language;
    let Some(operation) = operation else {
        let title = l.say("There is no such call", "没有该接口");
        let what = l.say(
            "The gateway's document does not have it. Nothing was done.",
            "接口文档中没有该接口，未执行任何操作。",
        );
        return layout::failure(&session.view, StatusCode::NOT_FOUND, title, what).into_response();
    };
    let call = operation.call(&fields);
    let reply = if resumed {
        None
    } else {
        Some(session.ask.call(&call).await)
    };
    let tried = Tried {
        typed: fields,
        call,
        reply,
    };
    let title = l.say("A call, tried", "试用接口");
    let back = format!("{HERE}#{}", operation.id());
    // Where its reader is led by the switches of language and theme.
    HERE.clone_into(&mut session.view.here);
    let content = html! {
        div.reference {
            p { a href=(back) { "← " (l.say("API reference", "接口文档")) } }
            h1 { (title) }
            @if resumed { (parts::resumed(l)) }
            (operation.markup(&session.view, Some(&tried)))
        }
    };
    layout::page(&session.view, title, content).into_response()
}

/// Names and descriptions of the document's tags.
fn text_list(document: &Value, what: &str) -> Vec<(String, String)> {
    let text = |one: &Value, name: &str| {
        one.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let list = document.get(what).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|one| (text(one, "name"), text(one, "description")))
        .collect()
}

/// What no document of ours describes: the paths of the clusters.
fn kubernetes(l: Language, session: &Session) -> Markup {
    let console = session.ask.console();
    let url = &console.public_url;
    let clusters = console.clusters.resources();
    let cluster = clusters.keys().next().map_or(SOME_CLUSTER, String::as_str);
    let cube = format!(
        "{url}/api/v1/cube/proxy/clusters/{cluster}/api/v1/pods?selector=metadata.name~web&pageSize=20&sortName=metadata.creationTimestamp&sortOrder=desc"
    );
    let plain = format!("{url}/clusters/{cluster}/api/v1/namespaces");
    let sphere =
        format!("{url}/kapis/resources.kubesphere.io/v1alpha3/deployments?limit=10&page=1");
    html! {
        section {
            h2 { (l.say("Kubernetes through the gateway", "访问 Kubernetes 资源")) }
            p {
                (l.say(
                    "Any path of a cluster's API server, with a token in $TOKEN. Lists come selected, sorted and paged.",
                    "可以访问集群 API Server 的任意路径（令牌在 $TOKEN 中）。列表支持筛选、排序和分页。",
                ))
            }
            (parts::copyable(l, "curl-cube", l.say("KubeCube's form", "KubeCube 形式"), &curl::get_with_variable(&cube)))
            (parts::copyable(l, "curl-plain", l.say("As the API server has it", "原生形式"), &curl::get_with_variable(&plain)))
            (parts::copyable(l, "curl-sphere", l.say("KubeSphere's form", "KubeSphere 形式"), &curl::get_with_variable(&sphere)))
        }
    }
}
