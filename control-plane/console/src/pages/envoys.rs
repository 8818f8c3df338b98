//! `/console/envoys`: what serves the gateway's clients at present, for administrators.

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use cubegate_api_types::cube::{EnvoyAccepted, EnvoyItem, EnvoyList, EnvoyRefused};
use maud::{Markup, html};

use crate::Console;
use crate::language::Language;
use crate::layout;
use crate::link::segment;
use crate::parts::{self, Heading};
use crate::session::AdminSession;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/console/envoys", get(page))
}

async fn page(AdminSession(session): AdminSession) -> Response {
    let envoys: EnvoyList = match session.ask.get("/api/v1/cube/envoys").await {
        Ok(envoys) => envoys,
        Err(refusal) => return session.refused(&refusal),
    };
    let view = &session.view;
    let l = view.language;
    let title = l.say("Envoys", "Envoy 节点");
    let content = html! {
        h1 { (title) }
        p.lead {
            (l.say(
                "The Envoys that are connected to the control plane, and what each makes of what it is told. One that is away goes on with what it had last.",
                "与控制面保持连接的 Envoy，以及它们对下发配置的反馈。断开连接的 Envoy 会继续使用最近一次收到的配置。",
            ))
        }
        @if envoys.items.is_empty() {
            (parts::empty(
                l.say("No Envoy is connected", "没有已连接的 Envoy"),
                l.say(
                    "Envoys show here as soon as they reach the control plane. On their machine, see their log and whether their certificate is still good.",
                    "Envoy 连上控制面后会显示在这里。请在其所在机器上检查日志以及证书是否有效。",
                ),
                html! {},
            ))
        } @else {
            (table(l, &envoys.items))
            h2 { (l.say("What each has", "配置明细")) }
            @for envoy in &envoys.items { (details(l, envoy, envoys.total == 1)) }
        }
    };
    layout::page(view, title, content).into_response()
}

fn table(l: Language, envoys: &[EnvoyItem]) -> Markup {
    let label = l.say("Connected Envoys", "已连接的 Envoy");
    parts::table_of(
        label,
        &[
            Heading::Text(l.say("Name", "名称")),
            Heading::Text(l.say("State", "状态")),
            Heading::Number(l.say("Resources", "资源数")),
            Heading::Text(l.say("Version", "版本")),
            Heading::Text(l.say("Address", "地址")),
            Heading::Text(l.say("Connected", "连接时间")),
        ],
        html! { @for envoy in envoys { (row(l, envoy)) } },
    )
}

fn row(l: Language, envoy: &EnvoyItem) -> Markup {
    let resources: usize = envoy.accepted.iter().map(|one| one.resources).sum();
    html! {
        tr {
            th scope="row" { a href=(format!("#{}", anchor(envoy))) { (envoy.name) } }
            td { (state(l, envoy)) }
            td.number { (resources) }
            td.nowrap {
                @if envoy.version.is_empty() { span.muted { (l.say("Not told", "未知")) } }
                @else { (envoy.version) }
            }
            td.mono { (envoy.address.as_deref().unwrap_or("–")) }
            td.nowrap { (parts::moment(&envoy.connected_at)) }
        }
    }
}

/// Says whether the Envoy has taken everything.
fn state(l: Language, envoy: &EnvoyItem) -> Markup {
    html! {
        @if envoy.refused_total > 0 {
            span.badge.bad { (l.tell("Refuses {}", "拒绝 {} 项", envoy.refused_total)) }
        } @else if envoy.up_to_date {
            span.badge.good { (l.say("Up to date", "已同步")) }
        } @else {
            span.badge.warn { (l.say("Behind", "同步中")) }
        }
    }
}

/// What it has and refuses; open where something is refused, or where it is `alone`.
fn details(l: Language, envoy: &EnvoyItem, alone: bool) -> Markup {
    let name = &envoy.name;
    html! {
        details id=(anchor(envoy)) open[alone || envoy.refused_total > 0] {
            summary { (name) " " (state(l, envoy)) }
            div {
                @if !envoy.refused.is_empty() { (refused(l, envoy)) }
                @if envoy.accepted.is_empty() {
                    p.muted { (l.say("It has accepted nothing yet.", "尚未接受任何配置。")) }
                } @else {
                    (accepted(l, &l.tell("Accepted by {}", "{} 已接受的配置", name), &envoy.accepted))
                }
            }
        }
    }
}

fn accepted(l: Language, label: &str, all: &[EnvoyAccepted]) -> Markup {
    parts::table_of(
        label,
        &[
            Heading::Text(l.say("Accepted", "已接受")),
            Heading::Number(l.say("Resources", "资源数")),
            Heading::Text(l.say("Version", "版本")),
            Heading::Text(l.say("When", "时间")),
        ],
        html! {
            @for one in all {
                tr {
                    th scope="row" { (one.kind) }
                    td.number { (one.resources) }
                    td.mono { (one.version) }
                    td.nowrap { (parts::moment(&one.at)) }
                }
            }
        },
    )
}

fn refused(l: Language, envoy: &EnvoyItem) -> Markup {
    let label = l.tell("Refused by {}", "{} 拒绝的配置", &envoy.name);
    let more = envoy.refused_total.saturating_sub(envoy.refused.len());
    let row = |one: &EnvoyRefused| {
        html! {
            tr {
                th scope="row" { (one.name) div.muted.small-text { (one.kind) } }
                td { (one.reason) }
            }
        }
    };
    html! {
        p {
            (l.say(
                "It keeps the former ones in their place, where there were any.",
                "对于被拒绝的项，Envoy 会继续使用原有配置（如果有）。",
            ))
        }
        (parts::table(
            &label,
            &[
                l.say("Refused", "已拒绝"),
                l.say("Why, in Envoy's words", "原因（Envoy 原文）"),
            ],
            html! { @for one in &envoy.refused { (row(one)) } },
        ))
        @if more > 0 { p.muted { (l.tell("And {} more.", "另有 {} 项。", more)) } }
    }
}

/// Returns the id of an Envoy's details: ids hold no blanks, names may.
fn anchor(envoy: &EnvoyItem) -> String {
    format!("envoy-{}", segment(&envoy.name).replace('%', "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_one_word_whatever_the_name() {
        let envoy = EnvoyItem {
            name: "edge 1/a".to_owned(),
            version: String::new(),
            address: None,
            connected_at: String::new(),
            up_to_date: true,
            accepted: Vec::new(),
            refused: Vec::new(),
            refused_total: 0,
        };
        assert_eq!(anchor(&envoy), "envoy-edge.201.2Fa");
        let whole = state(Language::En, &envoy).into_string();
        assert!(whole.contains("Up to date"), "{whole}");
    }
}
