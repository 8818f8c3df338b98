//! Login and logout. The HTTP API sets and takes the cookie, counts the tries and refuses a
//! form that another site has made its visitor send.

use axum::Extension;
use axum::extract::{Query, RawForm};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use cubegate_api_types::cube::LoginRequest;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use crate::ask::{Ask, Refusal};
use crate::form::{Fields, Submitted};
use crate::layout::{self, Page};
use crate::parts::{self, Notice};
use crate::view::{View, inner_path};

/// Where a login leads.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    next: String,
}

pub(super) async fn page(view: View, Query(Wanted { next }): Query<Wanted>) -> Page {
    form(&view, StatusCode::OK, &next, "", html! {})
}

pub(super) async fn log_in(
    mut view: View,
    Extension(ask): Extension<Ask>,
    RawForm(form_body): RawForm,
) -> Response {
    let fields = Fields::parse(&form_body);
    let (name, next) = (fields.get("name"), fields.get("next"));
    view.here = "/console/login".to_owned();
    let l = view.language;
    if name.is_empty() || fields.exact("password").is_empty() {
        let missing = l.say("Enter a name and a password.", "请输入用户名和密码。");
        let what = parts::notice(Notice::Failed, html! { p { (missing) } });
        return form(&view, StatusCode::UNPROCESSABLE_ENTITY, next, name, what).into_response();
    }
    let request = LoginRequest {
        name: name.to_owned(),
        password: fields.exact("password").to_owned(),
        login_type: "normal".to_owned(),
    };
    let answer: Result<serde_json::Value, _> =
        ask.send(Method::POST, "/api/v1/cube/login", &request).await;
    match answer {
        Ok(_) => Redirect::to(inner_path(next).unwrap_or(crate::ROOT)).into_response(),
        Err(refusal) => {
            let what = not_logged_in(&view, &refusal);
            form(&view, refusal.status, next, name, what).into_response()
        }
    }
}

pub(super) async fn log_out(Submitted { session, .. }: Submitted) -> Response {
    let left = session
        .ask
        .change(Method::POST, "/api/v1/cube/logout", Some(json!({})))
        .await;
    match left {
        Ok(()) => Redirect::to("/console/login").into_response(),
        Err(refusal) => session.refused(&refusal),
    }
}

fn not_logged_in(view: &View, refusal: &Refusal) -> Markup {
    let l = view.language;
    let what = match refusal.status {
        StatusCode::UNAUTHORIZED => l.say(
            "There is no user with this name and this password.",
            "用户名或密码不正确。",
        ),
        StatusCode::TOO_MANY_REQUESTS => l.say(
            "There were too many wrong passwords. Wait some minutes, or ask an administrator to let you in again.",
            "密码错误次数过多。请等待几分钟，或请管理员解除锁定。",
        ),
        _ => &refusal.message,
    };
    parts::notice(Notice::Failed, html! { p { (what) } })
}

fn form(view: &View, status: StatusCode, next: &str, name: &str, above: Markup) -> Page {
    let l = view.language;
    let title = l.say("Log in", "登录");
    let content = html! {
        div.login {
            h1 { (l.say("Log in to Cubegate", "登录 Cubegate")) }
            p.lead { (l.say("One token and one URL for all your Kubernetes clusters.", "一个令牌、一个地址，访问所有 Kubernetes 集群。")) }
            (above)
            form.card method="post" action="/console/login" {
                input type="hidden" name="next" value=(next);
                div.field {
                    label for="name" { (l.say("Name", "用户名")) }
                    input #name name="name" value=(name) autocomplete="username" autocapitalize="none"
                        spellcheck="false" required autofocus[name.is_empty()];
                }
                div.field {
                    label for="password" { (l.say("Password", "密码")) }
                    input #password name="password" type="password" autocomplete="current-password" required
                        autofocus[!name.is_empty()];
                }
                button.primary.wide type="submit" { (l.say("Log in", "登录")) }
            }
        }
    };
    layout::page_with(view, status, title, content)
}
