//! `/console/token`: a token from an access key, what it says, and how long it will last.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_api_types::cube::KeyTokenRequest;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::curl;
use crate::form::Typed;
use crate::layout::{self, Page};
use crate::parts;
use crate::session::Session;
use crate::view::View;

const PATH: &str = "/api/v1/cube/key/token";

/// Answer of `POST /key/token`.
#[derive(Deserialize)]
struct Made {
    token: String,
}

pub(super) async fn page(session: Session) -> Page {
    layout::page(
        &session.view,
        title(&session.view),
        html! { (head(&session.view)) (form(&session.view, "")) },
    )
}

pub(super) async fn make(
    Typed {
        session,
        fields,
        resumed,
    }: Typed,
) -> Response {
    let view = &session.view;
    let request = KeyTokenRequest {
        access_key: fields.get("access-key").to_owned(),
        secret_key: fields.get("secret-key").to_owned(),
    };
    let l = view.language;
    if resumed {
        let content = html! { (head(view)) (parts::resumed(l)) (form(view, &request.access_key)) };
        return layout::page(view, title(view), content).into_response();
    }
    let made: Made = match session.ask.send(Method::POST, PATH, &request).await {
        Ok(made) => made,
        Err(refusal) => {
            // A wrong key is no end of the session.
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let content = html! {
                (head(view))
                (parts::refused(l, &crate::ask::Refusal { status, ..refusal }))
                (form(view, &request.access_key))
            };
            return layout::page_with(view, status, title(view), content).into_response();
        }
    };
    let url = format!(
        "{}/api/v1/cube/clusters/info",
        session.ask.console().public_url
    );
    let content = html! {
        (head(view))
        div data-forget="/console/token" {
            (parts::copyable(l, "token", l.say("Token", "令牌"), &made.token))
            (life(view, &made.token))
            (parts::copyable(l, "token-curl", l.say("Try it", "试一试"), &curl::get(&url, &made.token)))
        }
        h2 { (l.say("Another one", "再生成一个")) }
        (form(view, &request.access_key))
    };
    layout::page(view, title(view), content).into_response()
}

fn title(view: &View) -> &'static str {
    view.language.say("Token from a key", "由密钥生成令牌")
}

fn head(view: &View) -> Markup {
    let l = view.language;
    html! {
        h1 { (title(view)) }
        p.lead {
            (l.say(
                "A program sends its key here and gets a token, which it then shows with every request. The same is done by ",
                "程序用密钥换取令牌，之后每个请求都携带该令牌。对应的接口为 ",
            ))
            code { "POST " (PATH) } (l.say(".", "。"))
        }
    }
}

fn form(view: &View, access_key: &str) -> Markup {
    let l = view.language;
    html! {
        form.card method="post" action="/console/token" {
            (parts::proof(view))
            div.field {
                label for="access-key" { (l.say("Access key", "访问密钥 (accessKey)")) }
                input #access-key .mono name="access-key" value=(access_key) required autocomplete="off" spellcheck="false";
            }
            div.field {
                label for="secret-key" { (l.say("Secret key", "私密密钥 (secretKey)")) }
                input #secret-key .mono name="secret-key" type="password" required autocomplete="off";
            }
            button.primary type="submit" { (l.say("Get a token", "生成令牌")) }
        }
    }
}

/// What the token says of itself. It was made just now by us, so nothing is checked.
fn life(view: &View, token: &str) -> Markup {
    let l = view.language;
    let claims = token
        .split('.')
        .nth(1)
        .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok())
        .and_then(|payload| serde_json::from_slice::<Value>(&payload).ok());
    let Some(claims) = claims else {
        return html! {};
    };
    let ends = claims
        .get("exp")
        .and_then(Value::as_i64)
        .and_then(|exp| OffsetDateTime::from_unix_timestamp(exp).ok());
    let minutes = ends.map(|ends| (ends - OffsetDateTime::now_utc()).whole_seconds().max(0) / 60);
    let ends = ends.and_then(|ends| ends.format(&Rfc3339).ok());
    let pretty = serde_json::to_string_pretty(&claims).unwrap_or_default();
    html! {
        @if let (Some(ends), Some(minutes)) = (ends, minutes) {
            p {
                (l.tell("It is good for {} minutes, until ", "有效期还有 {} 分钟，至 ", minutes))
                (parts::exact_moment(&ends)) (l.say(".", "。"))
            }
        }
        (parts::copyable(l, "claims", l.say("What it says (claims)", "令牌内容 (claims)"), &pretty))
    }
}
