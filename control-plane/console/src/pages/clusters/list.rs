//! The list of clusters.

use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::table::{self, Named};
use super::{HERE, registered};
use crate::form::Fields;
use crate::language::Language;
use crate::layout;
use crate::listing::{Listing, text_field};
use crate::paging::Paging;
use crate::parts::{self, Notice};
use crate::session::Session;

pub(super) async fn page(session: Session, RawQuery(query): RawQuery) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let (wanted, paging) = (query.get("query"), Paging::of(&query));
    let listing = Listing {
        here: HERE,
        typed: &[("query", wanted)],
        paging,
    };
    let view = &session.view;
    let l = view.language;
    let (first, results) = if session.who.administrator {
        let clusters = match registered(&session.ask).await {
            Ok(clusters) => clusters.items,
            Err(refusal) => return session.refused(&refusal),
        };
        let first = clusters.first().map(|cluster| cluster.name.clone());
        let found = clusters
            .into_iter()
            .filter(|cluster| cluster.name.contains(wanted) || cluster.server.contains(wanted));
        let part = Part::of(found, paging);
        (first, part.markup(l, &listing, table::of_administrators))
    } else {
        let clusters = session.ask.console().clusters.resources();
        let first = clusters.keys().next().cloned();
        let found = clusters
            .into_iter()
            .filter(|(name, _)| name.contains(wanted))
            .map(|(name, resources)| Named {
                name,
                kinds: resources.values().map(Vec::len).sum(),
            });
        let part = Part::of(found, paging);
        (first, part.markup(l, &listing, table::of_names))
    };
    let title = l.say("Clusters", "集群");
    let content = html! {
        (parts::head(
            title,
            l.say(
                "One URL and one token lead to all of them.",
                "通过同一个地址和同一个令牌即可访问全部集群。",
            ),
            &html! {
                @if session.who.administrator {
                    a.button.primary href="/console/clusters/new" { (l.say("Add a cluster", "添加集群")) }
                }
            },
        ))
        @if let Some(said) = said(l, query.get("done")) {
            (parts::notice(Notice::Done, html! { p { (said) } }))
        }
        @match first {
            Some(first) => {
                (listing.form(l, text_field(l.say("Name contains", "名称包含"), wanted)))
                div #results { (results) }
                (kubeconfig(&session, &first))
            },
            None => (nothing(l, session.who.administrator)),
        }
    };
    layout::page(view, title, content).into_response()
}

/// A page of what was found.
struct Part<T> {
    items: Vec<T>,
    total: u64,
}

// === impl Part ===

impl<T> Part<T> {
    fn of(found: impl Iterator<Item = T>, paging: Paging) -> Self {
        let mut found: Vec<T> = found.collect();
        let total = found.len();
        let size = usize::try_from(paging.size).unwrap_or(total);
        let before = usize::try_from(paging.number.saturating_sub(1)).unwrap_or(total);
        found.drain(..before.saturating_mul(size).min(total));
        found.truncate(size);
        Self {
            items: found,
            total: u64::try_from(total).unwrap_or(u64::MAX),
        }
    }

    fn markup(
        &self,
        l: Language,
        listing: &Listing<'_>,
        table: fn(Language, &[T]) -> Markup,
    ) -> Markup {
        if self.items.is_empty() {
            return parts::empty(
                l.say("No cluster is found", "没有找到集群"),
                l.say(
                    "None has that in its name, or the list has become shorter.",
                    "没有名称匹配的集群，或列表已变短。",
                ),
                html! { p { a.button href=(HERE) { (l.say("Show all clusters", "显示全部集群")) } } },
            );
        }
        listing.shown(l, self.total, table(l, &self.items))
    }
}

fn said(l: Language, done: &str) -> Option<&'static str> {
    Some(match done {
        "added" => l.say(
            "The cluster was added. It answers under its name now.",
            "集群已添加，现在可以按名称访问。",
        ),
        "removed" => l.say(
            "The cluster was removed from the gateway. Nothing in it has changed.",
            "集群已从网关移除，集群内的资源没有变化。",
        ),
        _ => return None,
    })
}

fn nothing(l: Language, administrator: bool) -> Markup {
    let title = l.say("There are no clusters yet", "还没有集群");
    if administrator {
        return parts::empty(
            title,
            l.say(
                "Paste the kubeconfig of a cluster. It is tested before it is kept.",
                "粘贴集群的 kubeconfig 即可添加，保存前会先测试连通性。",
            ),
            html! { p { a.button.primary href="/console/clusters/new" { (l.say("Add a cluster", "添加集群")) } } },
        );
    }
    parts::empty(
        title,
        l.say(
            "An administrator adds them. They are shown here as soon as they answer.",
            "集群由管理员添加，连通后会显示在这里。",
        ),
        html! {},
    )
}

/// The file that leads kubectl to all clusters; `first` is one of them.
fn kubeconfig(session: &Session, first: &str) -> Markup {
    let view = &session.view;
    let l = view.language;
    let command = format!("kubectl --kubeconfig cubegate.kubeconfig --context {first} get pods");
    html! {
        h2 { (l.say("With kubectl", "使用 kubectl")) }
        div.card {
            p {
                (l.say(
                    "One kubeconfig has a context for each cluster, called as the cluster is. It holds tokens that are yours: keep it to yourself, and download it again when they have ended.",
                    "一份 kubeconfig 包含所有集群，每个集群对应一个同名 context。其中的令牌属于您本人，请妥善保管；令牌到期后请重新下载。",
                ))
            }
            form method="post" action="/console/kubeconfig" data-download {
                (parts::proof(view))
                p { button type="submit" { (l.say("Download the kubeconfig", "下载 kubeconfig")) } }
            }
            (parts::copyable(l, "kubectl", l.say("Use it", "使用方法"), &command))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u64, size: u64) -> (Vec<u64>, u64) {
        let part = Part::of(0..45_u64, Paging { number, size });
        (part.items, part.total)
    }

    #[test]
    fn a_page_is_a_part_of_what_was_found() {
        assert_eq!(part(1, 20), ((0..20).collect(), 45));
        assert_eq!(part(3, 20), ((40..45).collect(), 45));
        assert_eq!(part(4, 20), (vec![], 45));
        assert_eq!(part(1_000_000_000, 200), (vec![], 45));
    }
}
