//! `POST /console/kubeconfig`: a kubeconfig for all clusters, as a file. It holds tokens, so
//! no link leads to it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::form::Submitted;
use crate::layout;

pub(super) async fn download(Submitted { mut session, .. }: Submitted) -> Response {
    // Where it can be tried again.
    session.view.here = "/console/clusters".to_owned();
    let encoded: String = match session.ask.get("/api/v1/cube/user/kubeconfigs").await {
        Ok(encoded) => encoded,
        Err(refusal) => return session.refused(&refusal),
    };
    let Ok(kubeconfig) = STANDARD.decode(encoded) else {
        let l = session.view.language;
        let what = l.say(
            "The gateway's answer could not be read.",
            "无法读取网关的应答。",
        );
        let title = l.say("There is no kubeconfig", "没有 kubeconfig");
        let status = axum::http::StatusCode::BAD_GATEWAY;
        return layout::failure(&session.view, status, title, what).into_response();
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/yaml"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"cubegate.kubeconfig\""),
        ),
    ];
    (headers, kubeconfig).into_response()
}
