//! The one page that shows a secret.

use axum::http::StatusCode;
use cubegate_api_types::cube::KeyPair;
use maud::{Markup, html};

use crate::curl::quoted;
use crate::layout::{self, Page};
use crate::parts::{self, Notice};
use crate::session::Session;
use crate::view::View;

/// Shows a new key, or an old one with a new secret. The script changes the address of the
/// page (`data-forget`), so that another look at it shows the list. Without the script its form
/// is sent again, which is told by [`again`].
pub(super) fn page(session: &Session, name: &str, pair: &KeyPair) -> Page {
    let view = &session.view;
    let l = view.language;
    let title = l.say("Your new secret", "您的新密钥");
    let url = &session.ask.console().public_url;
    let content = html! {
        div data-forget="/console/keys" {
            h1 { (title) }
            (parts::notice(Notice::Warning, html! {
                p {
                    strong { (l.say("Copy the secret now.", "请立即复制私密密钥。")) } " "
                    (l.say(
                        "It is shown this once. Nobody can show it again, not even an administrator.",
                        "它只显示这一次，之后任何人（包括管理员）都无法再次查看。",
                    ))
                }
            }))
            @if !name.is_empty() { p { (l.say("Key: ", "密钥：")) strong { (name) } } }
            (parts::copyable(l, "access-key-text", l.say("Access key", "访问密钥 (accessKey)"), &pair.access_key))
            (parts::copyable(l, "secret-key-text", l.say("Secret key", "私密密钥 (secretKey)"), &pair.secret_key))
            (forms(view, url, pair))
            div.actions {
                (token(view, pair))
                a.button.quiet href="/console/keys" { (l.say("I have copied it", "我已复制")) }
            }
        }
    };
    layout::page(view, title, content)
}

/// What a form that is sent again shows: nothing more was done, and the secret is in no page.
pub(super) fn again(view: &View) -> Page {
    let l = view.language;
    let title = l.say("This was done already", "该操作已完成");
    let content = html! {
        div.failure {
            h1 { (title) }
            p {
                (l.say(
                    "The form was sent again, and nothing more was done. Its secret was shown the first time, and cannot be shown again.",
                    "该表单被重复提交，没有再次执行。私密密钥在第一次提交后已显示，无法再次查看。",
                ))
            }
            p {
                (l.say(
                    "If you have not copied it, open the key in the list, and give it another secret or delete it.",
                    "如果您还没有复制，请在列表中打开该密钥，更换私密密钥或将其删除。",
                ))
            }
            p.actions { a.button href="/console/keys" { (l.say("To the keys", "查看密钥")) } }
        }
    };
    layout::page_with(view, StatusCode::CONFLICT, title, content)
}

/// The pair as programs read it.
fn forms(view: &View, url: &str, pair: &KeyPair) -> Markup {
    let l = view.language;
    let KeyPair {
        access_key,
        secret_key,
    } = pair;
    let body = format!(r#"{{"accessKey":"{access_key}","secretKey":"{secret_key}"}}"#);
    let curl = format!(
        "curl {} \\\n  -H 'Content-Type: application/json' \\\n  -d {}",
        quoted(&format!("{url}/api/v1/cube/key/token")),
        quoted(&body)
    );
    let texts = [
        (
            "properties",
            "Properties",
            format!("accessKey={access_key}\nsecretKey={secret_key}"),
        ),
        (
            "yaml",
            "YAML",
            format!("accessKey: {access_key}\nsecretKey: {secret_key}"),
        ),
        (
            "env",
            ".env",
            format!("CUBEGATE_ACCESS_KEY={access_key}\nCUBEGATE_SECRET_KEY={secret_key}"),
        ),
        ("curl", l.say("A token by curl", "用 curl 获取令牌"), curl),
    ];
    html! {
        @for (id, label, text) in &texts {
            details {
                summary { (label) }
                (parts::copyable(l, id, label, text))
            }
        }
    }
}

fn token(view: &View, pair: &KeyPair) -> Markup {
    let l = view.language;
    html! {
        form.inline method="post" action="/console/token" {
            (parts::proof(view))
            input type="hidden" name="access-key" value=(pair.access_key);
            input type="hidden" name="secret-key" value=(pair.secret_key);
            button.primary type="submit" { (l.say("Get a token with it", "用它生成令牌")) }
        }
    }
}
