//! `/console/docs`: the HTTP API in words, made of the OpenAPI document that the gateway
//! itself answers. With the script each call can be tried as who is logged in.

mod operation;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde_json::Value;

use self::operation::Operation;
use crate::language::Language;
use crate::session::Session;
use crate::{Console, assets, curl, layout, parts};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/console/docs", get(page))
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
            (kubernetes(l, &session.ask.console().public_url))
            @for (name, description) in &tags {
                section {
                    h2 id=(format!("tag-{name}")) { (name) }
                    @if !description.is_empty() { p.muted lang="en" { (description) } }
                    @for operation in operations.iter().filter(|operation| operation.tag == *name) {
                        (operation.markup(l))
                    }
                }
            }
        }
        script type="module" src=(assets::url("docs.js")) {}
    };
    layout::page(view, title, content).into_response()
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
fn kubernetes(l: Language, url: &str) -> Markup {
    let cube = format!(
        "{url}/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods?selector=metadata.name~web&pageSize=20&sortName=metadata.creationTimestamp&sortOrder=desc"
    );
    let plain = format!("{url}/clusters/pivot-cluster/api/v1/namespaces");
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
