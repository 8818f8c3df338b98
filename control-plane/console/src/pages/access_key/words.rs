//! A key in words.

use cubegate_api_types::cube::KeyObject;
use cubegate_token::KeyScope;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::language::Language;

/// Of a longer list only so many are named.
const MOST_NAMED: usize = 3;

/// The verbs that change nothing.
pub(super) const READING: [&str; 3] = ["get", "list", "watch"];

/// Returns the key's name, or what it is called without one.
pub(in crate::pages) fn name(l: Language, key: &KeyObject) -> String {
    if key.spec.name.is_empty() {
        l.say("No name", "未命名").to_owned()
    } else {
        key.spec.name.clone()
    }
}

/// Returns the beginning of the key's id, by which its owner knows it.
pub(in crate::pages) fn prefix(key: &KeyObject) -> String {
    let start: String = key.metadata.name.chars().take(8).collect();
    format!("{start}…")
}

/// Returns whether the key is over.
pub(in crate::pages) fn is_expired(key: &KeyObject) -> bool {
    let ends = key.spec.expires_at.as_deref();
    ends.and_then(|ends| OffsetDateTime::parse(ends, &Rfc3339).ok())
        .is_some_and(|ends| ends <= OffsetDateTime::now_utc())
}

/// Returns whether it will be over within a week.
pub(super) fn expires_soon(key: &KeyObject) -> bool {
    let ends = key.spec.expires_at.as_deref();
    ends.and_then(|ends| OffsetDateTime::parse(ends, &Rfc3339).ok())
        .is_some_and(|ends| ends - OffsetDateTime::now_utc() < time::Duration::days(7))
}

/// Says what a key of who reads it is good for.
pub(super) fn scope(l: Language, scope: Option<&KeyScope>) -> String {
    scope_or(l, scope, own(l))
}

/// What a key without bounds is good for, to its owner.
pub(super) fn own(l: Language) -> &'static str {
    l.say("Everything that you may do", "您的全部权限")
}

/// Says what a key is good for; `everything` is what one without bounds is.
pub(super) fn scope_or(l: Language, scope: Option<&KeyScope>, everything: &str) -> String {
    let Some(scope) = scope.filter(|scope| !scope.is_unbounded()) else {
        return everything.to_owned();
    };
    let verbs = if scope.verbs.is_empty() {
        l.say("All verbs", "所有操作").to_owned()
    } else if scope.verbs.len() == READING.len()
        && READING
            .iter()
            .all(|verb| scope.verbs.iter().any(|one| one == verb))
    {
        l.say("Read only", "只读").to_owned()
    } else {
        named(l, &scope.verbs)
    };
    let clusters = match scope.clusters.as_slice() {
        [] => l.say("in every cluster", "所有集群").to_owned(),
        clusters => l.tell("in {}", "集群 {}", named(l, clusters)),
    };
    let namespaces = match scope.namespaces.as_slice() {
        [] => String::new(),
        namespaces => l.tell(", namespaces {}", "，命名空间 {}", named(l, namespaces)),
    };
    match l {
        Language::En => format!("{verbs} {clusters}{namespaces}"),
        Language::Zh => format!("{verbs}，{clusters}{namespaces}"),
    }
}

/// Names the first of them, and how many more there are.
fn named(l: Language, all: &[String]) -> String {
    let shown: Vec<_> = all.iter().take(MOST_NAMED).map(String::as_str).collect();
    let shown = shown.join(l.say(", ", "、"));
    match all.len().saturating_sub(MOST_NAMED) {
        0 => shown,
        more => format!("{shown}{}", l.tell(" and {} more", " 等另外 {} 个", more)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn scopes_are_told_in_both_languages() {
        let reads = KeyScope {
            clusters: texts(&["member-1"]),
            namespaces: texts(&["a", "b", "c", "d", "e"]),
            verbs: texts(&["watch", "get", "list"]),
        };
        for (given, en, zh) in [
            (None, "Everything that you may do", "您的全部权限"),
            (
                Some(KeyScope::default()),
                "Everything that you may do",
                "您的全部权限",
            ),
            (
                Some(reads),
                "Read only in member-1, namespaces a, b, c and 2 more",
                "只读，集群 member-1，命名空间 a、b、c 等另外 2 个",
            ),
            (
                Some(KeyScope {
                    verbs: texts(&["delete"]),
                    ..KeyScope::default()
                }),
                "delete in every cluster",
                "delete，所有集群",
            ),
        ] {
            assert_eq!(scope(Language::En, given.as_ref()), en);
            assert_eq!(scope(Language::Zh, given.as_ref()), zh);
        }
    }
}
