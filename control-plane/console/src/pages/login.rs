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
use crate::form::{Fields, KEPT, Submitted};
use crate::layout::{self, Page};
use crate::parts::{self, Notice};
use crate::view::{View, inner_path};

const HERE: &str = "/console/login";

/// Where a login leads.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    next: String,
}

/// What stands in the form; the password never does.
#[derive(Default)]
struct Form<'a> {
    name: &'a str,
    /// The page that the login leads to.
    next: &'a str,
    /// Where [`KEPT`] was to be sent.
    action: &'a str,
    /// Another form, as it was sent when its session had ended.
    kept: &'a str,
}

pub(super) async fn page(view: View, Query(Wanted { next }): Query<Wanted>) -> Page {
    let form = Form {
        next: &next,
        ..Form::default()
    };
    let l = view.language;
    let above = html! {
        @if inner_path(&next).is_some() {
            (parts::notice(Notice::Warning, html! {
                p {
                    (l.say(
                        "Your session has ended, or you have not logged in yet. The login leads you back to where you were.",
                        "会话已结束，或您尚未登录。登录后将返回之前的页面。",
                    ))
                }
            }))
        }
    };
    form.page(&view, StatusCode::OK, above)
}

/// Shows the login to somebody who has only just come.
pub(super) fn first(view: &View) -> Page {
    Form::default().page(view, StatusCode::OK, html! {})
}

/// Shows the login in place of what a form was sent for: `kept` is what was typed, and `action`
/// where it was sent.
pub(crate) fn keep(view: &View, action: &str, kept: &str) -> Page {
    let mut view = view.clone();
    // The switches of language and theme lead to a page that is there.
    HERE.clone_into(&mut view.here);
    let l = view.language;
    let form = Form {
        action,
        kept,
        ..Form::default()
    };
    let above = parts::notice(
        Notice::Warning,
        html! {
            p { strong { (l.say("Your session has ended", "会话已结束")) } }
            p {
                (l.say(
                    "Nothing was done yet. What you have typed is kept: after the login you can look at it and send it.",
                    "尚未执行任何操作。您填写的内容已保留，登录后可以查看并重新提交。",
                ))
            }
        },
    );
    form.page(&view, StatusCode::UNAUTHORIZED, above)
}

pub(super) async fn log_in(
    mut view: View,
    Extension(ask): Extension<Ask>,
    RawForm(form_body): RawForm,
) -> Response {
    let fields = Fields::parse(&form_body);
    let form = Form {
        name: fields.get("name"),
        next: fields.get("next"),
        action: fields.get("action"),
        kept: fields.exact(KEPT),
    };
    HERE.clone_into(&mut view.here);
    let l = view.language;
    if form.name.is_empty() || fields.exact("password").is_empty() {
        let missing = l.say("Enter a name and a password.", "请输入用户名和密码。");
        let what = parts::notice(Notice::Failed, html! { p { (missing) } });
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return form.page(&view, status, what).into_response();
    }
    let request = LoginRequest {
        name: form.name.to_owned(),
        password: fields.exact("password").to_owned(),
        login_type: "normal".to_owned(),
    };
    let answer: Result<serde_json::Value, _> =
        ask.send(Method::POST, "/api/v1/cube/login", &request).await;
    match answer {
        Ok(_) => form.leads().into_response(),
        Err(refusal) => {
            let what = not_logged_in(&view, &refusal);
            form.page(&view, refusal.status, what).into_response()
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

// === impl Form ===

impl Form<'_> {
    /// Where who has logged in goes on. A form that was kept is sent on as it is (307): its page
    /// shows it and does nothing.
    fn leads(&self) -> Redirect {
        match inner_path(self.action) {
            Some(action) if !self.kept.is_empty() => Redirect::temporary(action),
            _ => Redirect::to(inner_path(self.next).unwrap_or(crate::ROOT)),
        }
    }

    fn page(&self, view: &View, status: StatusCode, above: Markup) -> Page {
        let l = view.language;
        let title = l.say("Log in", "登录");
        let name = self.name;
        let content = html! {
            div.login {
                h1 { (l.say("Log in to Cubegate", "登录 Cubegate")) }
                p.lead { (l.say("One token and one URL for all your Kubernetes clusters.", "一个令牌、一个地址，访问所有 Kubernetes 集群。")) }
                (above)
                form.card method="post" action=(HERE) {
                    @for (field, value) in [("next", self.next), ("action", self.action), (KEPT, self.kept)] {
                        @if !value.is_empty() { input type="hidden" name=(field) value=(value); }
                    }
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
}
