//! Sessions as a table: of the user who looks, or of another one.

use cubegate_api_types::cube::UserSession;
use maud::{Markup, html};

use super::program;
use crate::language::Language;
use crate::parts;

/// Returns the table. `own` is the session of this page, and `actions` what can be done with
/// one that is told in these words.
pub(in crate::pages) fn table(
    l: Language,
    label: &str,
    sessions: &[UserSession],
    own: Option<&str>,
    actions: impl Fn(&UserSession, &str) -> Markup,
) -> Markup {
    parts::table(
        label,
        &[
            l.say("Program", "客户端"),
            l.say("From", "来源地址"),
            l.say("Logged in", "登录时间"),
            l.say("Ends at the latest", "最迟结束"),
            l.say("Actions", "操作"),
        ],
        html! {
            @for session in sessions {
                (row(l, session, own == Some(session.id.as_str()), &actions))
            }
        },
    )
}

fn row(
    l: Language,
    session: &UserSession,
    is_own: bool,
    actions: &impl Fn(&UserSession, &str) -> Markup,
) -> Markup {
    let program = program::in_words(l, &session.user_agent);
    let address = session.address.as_deref().unwrap_or_default();
    let words = format!("{program} {address} {}", session.began_at);
    let kind = match session.kind.as_str() {
        "cookie" => l.say("Console or KubeCube", "控制台或 KubeCube"),
        "oauth" => "KubeSphere (OAuth)",
        "kubeconfig" => "kubeconfig",
        other => other,
    };
    html! {
        tr {
            th scope="row" {
                (program)
                @if is_own { " " span.badge.good { (l.say("This one", "当前会话")) } }
                div.muted.small-text { (kind) }
                @if program != session.user_agent {
                    div.muted.small-text.clip title=(session.user_agent) { (session.user_agent) }
                }
            }
            td.nowrap {
                @if address.is_empty() { span.muted { (l.say("Not known", "未知")) } }
                @else { span.mono { (address) } }
            }
            td.nowrap { (parts::moment(&session.began_at)) }
            td.nowrap { (parts::moment(&session.ends_at)) }
            td.row-actions { (actions(session, &words)) }
        }
    }
}
