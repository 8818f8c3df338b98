//! What of a credential's rules concerns a gateway: whom it may be, and what else it may do.

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1 as k8s;

/// How many rights beyond impersonation are kept; a role may name thousands.
const MOST_RIGHTS: usize = 64;

/// Longest right that is shown. It comes from the cluster.
const MAX_RIGHT_CHARS: usize = 80;

/// What a credential may do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rights {
    /// Whom it may impersonate.
    pub(super) users: Names,
    /// As members of which groups.
    pub(super) groups: Names,
    /// What else it may do in the API groups of Kubernetes itself, as `get secrets`.
    pub(super) more: BTreeSet<String>,
    /// Whether all authorizers have told all their rules.
    pub(super) complete: bool,
}

/// Some names, or all.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// These.
    Some(BTreeSet<String>),
    /// All that there are.
    All,
}

// === impl Rights ===

impl Rights {
    /// Returns what the API server has told.
    pub(super) fn of(status: &k8s::SubjectRulesReviewStatus) -> Self {
        let mut rights = Self {
            complete: !status.incomplete,
            ..Self::default()
        };
        for rule in &status.resource_rules {
            rights.add(rule);
        }
        rights
    }

    fn add(&mut self, rule: &k8s::ResourceRule) {
        let groups = rule.api_groups.as_deref().unwrap_or_default();
        let resources = rule.resources.as_deref().unwrap_or_default();
        let names = rule.resource_names.as_deref().unwrap_or_default();
        let is = |word: &str, wanted: &str| word == wanted || word == "*";
        let impersonates = rule.verbs.iter().any(|verb| is(verb, "impersonate"));
        if impersonates && groups.iter().any(|group| is(group, "")) {
            for (resource, known) in [("users", &mut self.users), ("groups", &mut self.groups)] {
                if resources.iter().any(|word| is(word, resource)) {
                    known.extend(names);
                }
            }
        }
        if !groups.iter().any(|group| is_kubernetes_own(group)) {
            return;
        }
        let rights = rule
            .verbs
            .iter()
            .flat_map(|verb| resources.iter().map(move |resource| (verb, resource)))
            .filter(|(verb, resource)| !is_needed(verb, resource))
            .map(|(verb, resource)| plain(&format!("{verb} {resource}")));
        for right in rights {
            if self.more.len() < MOST_RIGHTS {
                self.more.insert(right);
            }
        }
    }
}

// === impl Names ===

impl Names {
    /// Returns whether there is no name at all.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::Some(names) if names.is_empty())
    }

    /// Returns whether this name is one of them.
    pub(super) fn holds(&self, name: &str) -> bool {
        match self {
            Self::Some(names) => names.contains(name),
            Self::All => true,
        }
    }

    /// Those of `wanted` that are not among them, if there are any.
    pub(super) fn missing(&self, wanted: &BTreeSet<String>) -> Option<BTreeSet<String>> {
        let missing: BTreeSet<_> = wanted
            .iter()
            .filter(|name| !self.holds(name))
            .cloned()
            .collect();
        (!missing.is_empty()).then_some(missing)
    }

    /// Takes one in.
    pub(super) fn add(&mut self, name: &str) {
        if let Self::Some(names) = self {
            names.insert(name.to_owned());
        }
    }

    /// Takes those of a rule in; a rule without names is for all.
    fn extend(&mut self, rule: &[String]) {
        if rule.is_empty() {
            *self = Self::All;
        }
        for name in rule {
            self.add(name);
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

/// Returns whether Kubernetes itself has that API group: others are a distribution's, which may
/// give everybody something in them.
fn is_kubernetes_own(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io")
}

/// Returns whether the gateway needs it, or everybody may do it: ask for the own rights.
fn is_needed(verb: &str, resource: &str) -> bool {
    match verb {
        "impersonate" => matches!(resource, "users" | "groups"),
        "create" => resource.starts_with("selfsubject"),
        _ => false,
    }
}

/// Returns what a terminal can be shown.
fn plain(text: &str) -> String {
    let shown = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    };
    text.chars().take(MAX_RIGHT_CHARS).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rights(rules: &serde_json::Value) -> Rights {
        let status = json!({ "resourceRules": rules, "nonResourceRules": [], "incomplete": false });
        Rights::of(&serde_json::from_value(status).unwrap())
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn named_groups_are_those_and_no_others() {
        let rights = rights(&json!([
            { "verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"] },
            { "verbs": ["impersonate"], "apiGroups": [""], "resources": ["groups"], "resourceNames": ["a", "b"] },
            { "verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"] },
            { "verbs": ["*"], "apiGroups": ["project.openshift.io"], "resources": ["*"] },
        ]));
        assert_eq!(rights.users, Names::All);
        assert_eq!(rights.groups, Names::Some(set(&["a", "b"])));
        assert_eq!(rights.groups.missing(&set(&["a", "c"])), Some(set(&["c"])));
        assert_eq!(rights.more, set(&[]));
        assert!(rights.complete);
    }

    #[test]
    fn an_administrator_may_be_anybody_and_do_anything() {
        let rights = rights(&json!([
            { "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] },
        ]));
        assert!(rights.groups.holds("system:masters"));
        assert_eq!(rights.more, set(&["* *"]));
    }

    #[test]
    fn rights_beyond_impersonation_are_told_in_plain_letters_and_bounded() {
        let many: Vec<_> = (0..500).map(|n| format!("r{n}")).collect();
        let rights = rights(&json!([
            { "verbs": ["impersonate"], "apiGroups": [""], "resources": ["serviceaccounts"] },
            { "verbs": ["get"], "apiGroups": [""], "resources": ["secrets", "a\u{1b}[2J"] },
            { "verbs": ["list"], "apiGroups": ["apps"], "resources": many },
        ]));
        assert!(rights.users.is_none() && rights.groups.is_none());
        for right in ["impersonate serviceaccounts", "get secrets", "get a?[2J"] {
            assert!(rights.more.contains(right), "{:?}", rights.more);
        }
        assert_eq!(rights.more.len(), MOST_RIGHTS);
    }
}
