//! A cluster is taken off the gateway.

use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;

use super::{HERE, PATH, registered};
use crate::form::Submitted;
use crate::layout;
use crate::link::segment;
use crate::parts::{self, Notice};
use crate::session::AdminSession;

pub(super) async fn confirm(
    AdminSession(session): AdminSession,
    Path(name): Path<String>,
) -> Response {
    let clusters = match registered(&session.ask).await {
        Ok(clusters) => clusters.items,
        Err(refusal) => return session.refused(&refusal),
    };
    let view = &session.view;
    let l = view.language;
    let Some(cluster) = clusters.into_iter().find(|cluster| cluster.name == name) else {
        let title = l.say("There is no such cluster", "集群不存在");
        let what = l.say(
            "It was removed, or the name is mistyped.",
            "它可能已被移除，或名称有误。",
        );
        return layout::failure(view, StatusCode::NOT_FOUND, title, what).into_response();
    };
    let title = l.tell("Remove {}?", "移除集群 {}？", &name);
    let content = html! {
        h1 { (title) }
        div.card {
            @if cluster.host {
                (parts::notice(Notice::Warning, html! {
                    p {
                        (l.say(
                            "It is the host cluster: what names no cluster goes to it, and would go nowhere.",
                            "这是主集群：未指定集群的请求都会访问它，移除后这些请求将失败。",
                        ))
                    }
                }))
            }
            dl.facts {
                dt { (l.say("Name", "名称")) } dd { (name) }
                dt { (l.say("Server", "服务器")) } dd.mono { (cluster.server) }
            }
            p {
                (l.say(
                    "Nobody reaches it through the gateway then; streams that are open go on until they end by themselves. The gateway forgets its credential. The cluster itself stays as it is.",
                    "移除后将无法通过网关访问该集群，已打开的数据流会继续，直到自行结束，网关保存的凭据会被删除。集群本身不受影响。",
                ))
            }
            form.actions method="post" action=(format!("{HERE}/{}/remove", segment(&name))) {
                (parts::proof(view))
                button.primary.danger type="submit" { (l.say("Remove the cluster", "移除集群")) }
                a.button.quiet href=(HERE) { (l.say("Keep it", "保留")) }
            }
        }
    };
    layout::page(view, &title, content).into_response()
}

pub(super) async fn remove(
    Path(name): Path<String>,
    Submitted { session, .. }: Submitted,
) -> Response {
    let path = format!("{PATH}/{}", segment(&name));
    match session.ask.change(Method::DELETE, &path, None).await {
        Ok(()) => Redirect::to("/console/clusters?done=removed").into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}
