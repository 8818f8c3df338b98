//! A record, as a row tells it.

use maud::{Markup, html};
use serde::Deserialize;

use crate::language::Language;
use crate::pages::sessions::program;
use crate::parts;

/// How much of an access key is shown: enough for its owner to know it.
const KEY_SHOWN: usize = 8;

/// A page of records.
#[derive(Deserialize)]
pub(super) struct Records {
    pub(super) items: Vec<Record>,
    pub(super) total: u64,
    /// How many the control plane has lost since it began.
    #[serde(default)]
    pub(super) dropped: u64,
}

/// What a row shows of a record; whatever is not known is absent there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record {
    time: String,
    source: String,
    user: Option<String>,
    impersonated: Option<String>,
    key: Option<String>,
    client: Option<String>,
    user_agent: Option<String>,
    cluster: Option<String>,
    verb: String,
    api_group: Option<String>,
    namespace: Option<String>,
    resource: Option<String>,
    subresource: Option<String>,
    name: Option<String>,
    path: Option<String>,
    status: Option<u16>,
    reason: Option<String>,
    count: Option<u64>,
}

// === impl Record ===

impl Record {
    pub(super) fn row(&self, l: Language) -> Markup {
        html! {
            tr {
                td.short { (parts::exact_moment(&self.time)) }
                td.short { (self.who(l)) }
                td.short { (self.place(l)) }
                td.long {
                    strong { (self.verb) } " "
                    @if let Some(count) = self.count.filter(|count| *count > 1) {
                        span.badge { "×" (count) } " "
                    }
                    (self.object(l))
                }
                td.long { (self.result(l)) }
                td.short { (self.client(l)) }
            }
        }
    }

    /// Says who it was, for whom, and with which key.
    fn who(&self, l: Language) -> Markup {
        html! {
            @match &self.user {
                Some(user) => (user),
                None => (nothing(l)),
            }
            @if let Some(other) = &self.impersonated {
                div.muted.small-text { (l.tell("as {}", "模拟 {}", other)) }
            }
            @if let Some(key) = &self.key {
                div.muted.small-text.nowrap {
                    (l.say("key ", "密钥 ")) span.mono title=(key) { (start_of(key)) }
                }
            }
        }
    }

    /// Says where it was: in a cluster, or at the gateway itself.
    fn place(&self, l: Language) -> Markup {
        let at_gateway = match self.source.as_str() {
            "cli" => l.say("Command line", "命令行"),
            "follow" => l.say("A source of clusters", "集群来源"),
            _ => l.say("The gateway itself", "网关自身"),
        };
        html! {
            @match &self.cluster {
                Some(cluster) => (cluster),
                None => span.muted { (at_gateway) },
            }
        }
    }

    /// Says from where and with what it was asked.
    fn client(&self, l: Language) -> Markup {
        html! {
            @match &self.client {
                Some(client) => span.mono { (client) },
                None => (nothing(l)),
            }
            @if let Some(user_agent) = &self.user_agent {
                div.muted.small-text title=(user_agent) { (program::in_words(l, user_agent)) }
            }
        }
    }

    /// Says what it was done to: the resource and its name, or else the path.
    fn object(&self, l: Language) -> Markup {
        let resource = self.resource();
        if resource.is_empty() {
            return match &self.path {
                Some(path) => html! { span.mono { (path) } },
                None => nothing(l),
            };
        }
        html! {
            (resource)
            @if let Some(name) = self.full_name() { div.mono.small-text { (name) } }
        }
    }

    /// `deployments.apps/scale`; empty if it is about no resource.
    fn resource(&self) -> String {
        let Some(resource) = &self.resource else {
            return String::new();
        };
        let mut all = resource.clone();
        if let Some(group) = &self.api_group {
            all.push('.');
            all.push_str(group);
        }
        if let Some(subresource) = &self.subresource {
            all.push('/');
            all.push_str(subresource);
        }
        all
    }

    /// `namespace/name`, as much of it as is known.
    fn full_name(&self) -> Option<String> {
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
            (Some(namespace), None) => Some(format!("{namespace}/")),
            (None, name) => name.clone(),
        }
    }

    /// Says how it ended, and why; a stream that never had an answer has no status.
    fn result(&self, l: Language) -> Markup {
        html! {
            @match self.status {
                Some(status) => span class=(badge(status)) { (status) },
                None => (nothing(l)),
            }
            @if let Some(reason) = &self.reason { div.small-text { (reason) } }
        }
    }
}

/// Returns the classes of a badge for an HTTP status.
fn badge(status: u16) -> &'static str {
    match status {
        ..300 => "badge good",
        300..400 => "badge",
        400..500 => "badge warn",
        500.. => "badge bad",
    }
}

/// What stands in an empty cell.
fn nothing(l: Language) -> Markup {
    html! {
        span.muted aria-hidden="true" { "–" }
        span.visually-hidden { (l.say("not known", "无")) }
    }
}

fn start_of(key: &str) -> String {
    if key.chars().count() <= KEY_SHOWN {
        return key.to_owned();
    }
    let start: String = key.chars().take(KEY_SHOWN).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Record {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn objects_are_told_by_resource_and_name_or_by_path() {
        let told = |json| {
            let record = record(json);
            (record.resource(), record.full_name().unwrap_or_default())
        };
        let owned = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            told(
                r#"{"resource":"deployments","apiGroup":"apps","subresource":"scale","namespace":"web","name":"shop"}"#
            ),
            owned("deployments.apps/scale", "web/shop")
        );
        assert_eq!(
            told(r#"{"resource":"pods","namespace":"web"}"#),
            owned("pods", "web/")
        );
        assert_eq!(
            told(r#"{"resource":"users","name":"jeff"}"#),
            owned("users", "jeff")
        );
        let path = record(r#"{"path":"/version"}"#).object(Language::En);
        assert!(path.into_string().contains("/version"));
    }

    #[test]
    fn what_is_not_known_leaves_no_row_out() {
        let empty = record("{}").row(Language::En).into_string();
        assert_eq!(empty.matches("<td").count(), 6);
        let hostile = record(r#"{"user":"<script>","reason":"a&b"}"#).row(Language::Zh);
        let hostile = hostile.into_string();
        assert!(hostile.contains("&lt;script&gt;") && hostile.contains("a&amp;b"));
    }

    #[test]
    fn keys_are_told_by_their_start() {
        assert_eq!(start_of("0a1b2c3d4e5f"), "0a1b2c3d…");
        assert_eq!(start_of("0a1b2c3d"), "0a1b2c3d");
    }
}
