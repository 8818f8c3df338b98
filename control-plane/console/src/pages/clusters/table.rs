//! Clusters as a table: names for everybody, all that is known for administrators.

use cubegate_api_types::cube::{ClusterEnvoys, ClusterItem};
use maud::{Markup, html};
use time::OffsetDateTime;

use super::{HERE, browse, words};
use crate::language::Language;
use crate::link::segment;
use crate::parts::{self, Heading};

/// A cluster as everybody sees it.
pub(super) struct Named {
    pub(super) name: String,
    /// How many kinds of resources it has; none of one that has never answered.
    pub(super) kinds: usize,
}

pub(super) fn of_names(l: Language, clusters: &[Named]) -> Markup {
    let label = l.say("Clusters", "集群");
    parts::table_of(
        label,
        &[
            Heading::Text(l.say("Name", "名称")),
            Heading::Number(l.say("Kinds of resources", "资源类型数")),
        ],
        html! {
            @for Named { name, kinds } in clusters {
                tr {
                    th scope="row" { a href=(browse(name)) { (name) } }
                    td.number {
                        @if *kinds > 0 { (kinds) }
                        @else { span.muted { (l.say("Has not answered yet", "尚未连通")) } }
                    }
                }
            }
        },
    )
}

pub(super) fn of_administrators(l: Language, clusters: &[ClusterItem]) -> Markup {
    let label = l.say("Clusters", "集群");
    let now = OffsetDateTime::now_utc();
    parts::table(
        label,
        &[
            l.say("Name", "名称"),
            l.say("State", "状态"),
            l.say("Version", "版本"),
            l.say("Credential", "凭据"),
            l.say("Envoys", "Envoy 节点"),
            l.say("Actions", "操作"),
        ],
        html! { @for cluster in clusters { (row(l, cluster, now)) } },
    )
}

fn row(l: Language, cluster: &ClusterItem, now: OffsetDateTime) -> Markup {
    let name = &cluster.name;
    html! {
        tr {
            th.long scope="row" {
                a href=(browse(name)) { (name) }
                @if cluster.host { " " span.badge { (l.say("Host", "主集群")) } }
                div.mono.muted.small-text { (cluster.server) }
                div.muted.small-text {
                    (l.say("Added: ", "添加时间：")) (parts::moment(&cluster.created_at))
                    @if !cluster.source.is_empty() {
                        (l.say(", ", "，")) (words::source(l, &cluster.source))
                    }
                }
            }
            td.long { (state(l, cluster)) }
            td.nowrap {
                @if cluster.version.is_empty() { span.muted { (l.say("Not known", "未知")) } }
                @else { (cluster.version) }
                @if let Some(latency) = cluster.latency_ms {
                    div.muted.small-text { (latency) " ms" }
                }
            }
            td.nowrap { (credential(l, cluster.credential_expires_at.as_deref(), now)) }
            td.short { (envoys(l, &cluster.envoys)) }
            td.row-actions {
                @if words::is_followed(&cluster.source) {
                    span.muted.small-text { (l.say("Removed where it comes from", "请在其来源处移除")) }
                } @else {
                    a.button.quiet.small.danger href=(format!("{HERE}/{}/remove", segment(name))) {
                        (l.say("Remove", "移除")) span.visually-hidden { " " (name) }
                    }
                }
            }
        }
    }
}

fn state(l: Language, cluster: &ClusterItem) -> Markup {
    let (class, word) = words::status(l, &cluster.status);
    html! {
        span class=(format!("badge {class}")) { (word) }
        @if !cluster.reason.is_empty() { div { (cluster.reason) } }
        @if words::is_known(&cluster.status) {
            div.muted.small-text { (l.say("Since: ", "起始时间：")) (parts::moment(&cluster.since)) }
        }
    }
}

/// Says how long the gateway's own credential in the cluster is good.
fn credential(l: Language, ends: Option<&str>, now: OffsetDateTime) -> Markup {
    let Some(ends) = ends else {
        return html! { span.muted { (l.say("No end is known", "未注明有效期")) } };
    };
    let days = words::days_left(ends, now);
    html! {
        @match days {
            Some(days) if days < 0 => span.badge.bad { (l.say("Has ended", "已过期")) },
            Some(days) if days < words::FEW_DAYS => {
                span.badge.warn { (words::days(l, days)) }
            },
            Some(days) => (words::days(l, days)),
            None => {},
        }
        div.muted.small-text { (parts::moment(ends)) }
    }
}

/// Says what the Envoys make of the cluster; why one refuses it stands below.
fn envoys(l: Language, envoys: &ClusterEnvoys) -> Markup {
    html! {
        @if envoys.connected == 0 {
            span.badge.warn { (l.say("None connected", "无连接")) }
        } @else {
            (l.tell("{} connected", "{} 个已连接", envoys.connected))
        }
        @if envoys.waiting > 0 {
            " " span.badge.warn { (l.tell("{} behind", "{} 个同步中", envoys.waiting)) }
        }
        @if !envoys.refused.is_empty() {
            " " span.badge.bad { (l.tell("{} refuse it", "{} 个拒绝", envoys.refused.len())) }
            @for refusal in &envoys.refused {
                div.small-text { strong { (refusal.envoy) } ": " (refusal.reason) }
            }
        }
    }
}
