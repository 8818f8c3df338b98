//! The rules that a cluster gives its user, cut to what a scope allows.

use std::collections::{BTreeMap, BTreeSet};

use cubegate_filter_config::ResourceEntry;
use cubegate_kube::RequestInfo;
use cubegate_token::KeyScope;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reviews::SelfReview;
use super::{Bounds, CONNECT_VERB, CONNECTIONS, DISCOVERY, allows, is_discovery, verb};

/// Everything, in a rule.
const ALL: &str = "*";

/// The verb that a scope leaves nobody.
const IMPERSONATE: &str = "impersonate";

/// What of a Namespace whoever may see into it may do with it.
const NAMESPACE_VERBS: [&str; 3] = ["get", "list", "watch"];

/// Resources in no namespace that a cluster's discovery does not tell, because they cannot
/// be listed.
const REVIEWS: [(&str, &str); 2] = [
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
];

/// Group and plural name of resources in no namespace.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClusterScoped(BTreeSet<(String, String)>);

/// An answer to a SelfSubjectRulesReview.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reviewed {
    kind: String,
    api_version: String,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    spec: Value,
    status: Rules,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rules {
    // Go writes null for none.
    resource_rules: Option<Vec<ResourceRule>>,
    non_resource_rules: Option<Vec<NonResourceRule>>,
    #[serde(default)]
    incomplete: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evaluation_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceRule {
    verbs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resources: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_names: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct NonResourceRule {
    verbs: Vec<String>,
    #[serde(
        rename = "nonResourceURLs",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    urls: Option<Vec<String>>,
}

/// What a scope makes of one resource in a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The verbs that both have.
    Verbs,
    /// All or none of its verbs: it is opened by one that the method does not say.
    Connection,
    /// Reading those Namespaces that the scope names.
    Namespaces,
    /// Asking about oneself.
    SelfReview,
    /// Nothing: it is in no namespace.
    Nothing,
}

// === impl ClusterScoped ===

impl ClusterScoped {
    /// Those of a cluster's resources.
    pub(crate) fn of(resources: &BTreeMap<String, Vec<ResourceEntry>>) -> Self {
        let of_plural = resources.iter().flat_map(|(plural, entries)| {
            let scoped = entries.iter().filter(|entry| !entry.namespaced);
            scoped.map(move |entry| (group(&entry.path).to_owned(), plural.clone()))
        });
        let reviews = REVIEWS.map(|(group, plural)| (group.to_owned(), plural.to_owned()));
        Self(of_plural.chain(reviews).collect())
    }

    /// Returns whether a resource of one of these groups is among them.
    fn holds(&self, groups: &[String], resource: &str) -> bool {
        let resource = resource.split('/').next().unwrap_or_default();
        self.0.iter().any(|(group, plural)| {
            plural == resource && groups.iter().any(|one| one == ALL || one == group)
        })
    }
}

/// `/apis/{group}/{version}`; the core group's is `/api/v1`.
fn group(path: &str) -> &str {
    let rest = path.strip_prefix("/apis/").unwrap_or_default();
    rest.split('/').next().unwrap_or_default()
}

// === impl Bounds ===

impl Bounds {
    /// Returns the body of an answer to a rules review with what of it the scope allows;
    /// `None` when the body is none.
    pub(crate) fn cut_rules(&self, body: &[u8], scoped: &ClusterScoped) -> Option<Vec<u8>> {
        let mut reviewed: Reviewed = serde_json::from_slice(body).ok()?;
        if reviewed.kind != "SelfSubjectRulesReview" {
            return None;
        }
        if let Some(scope) = self.scope() {
            let rules = &mut reviewed.status;
            let resources = rules.resource_rules.take().unwrap_or_default();
            let cut = resources.iter().flat_map(|rule| cut(scope, rule, scoped));
            rules.resource_rules = Some(cut.collect());
            let paths = rules.non_resource_rules.take().unwrap_or_default();
            let cut = paths.into_iter().filter_map(|rule| cut_paths(scope, rule));
            rules.non_resource_rules = Some(cut.collect());
        }
        serde_json::to_vec(&reviewed).ok()
    }
}

/// Returns what a scope leaves of a rule: a rule for what of its resources is cut in one way.
fn cut(scope: &KeyScope, rule: &ResourceRule, scoped: &ClusterScoped) -> Vec<ResourceRule> {
    let groups = rule.api_groups.as_deref().unwrap_or_default();
    let resources = rule.resources.as_deref().unwrap_or_default();
    let names = rule.resource_names.clone();
    let names = names.filter(|names| !names.is_empty());
    let parts = [
        (Cut::Verbs, verbs(scope, rule), names.clone()),
        (
            Cut::Connection,
            connection_verbs(scope, rule),
            names.clone(),
        ),
        (Cut::SelfReview, self_review_verbs(rule), names.clone()),
        (
            Cut::Namespaces,
            namespace_verbs(scope, rule),
            Some(match names {
                Some(names) => {
                    let both = names.into_iter();
                    both.filter(|name| allows(&scope.namespaces, name))
                        .collect()
                }
                None => scope.namespaces.clone(),
            }),
        ),
    ];
    let left = parts.into_iter().filter_map(|(way, verbs, names)| {
        let of_it = resources
            .iter()
            .filter(|resource| cut_of(scope, groups, resource, scoped) == way);
        let of_it: Vec<String> = of_it.cloned().collect();
        // Without a name in common nothing is left; a rule without names is for all.
        let is_named = names.as_ref().is_none_or(|names| !names.is_empty());
        let is_left = is_named && !of_it.is_empty() && !verbs.is_empty();
        is_left.then(|| ResourceRule {
            verbs,
            resources: Some(of_it),
            resource_names: names,
            ..rule.clone()
        })
    });
    left.collect()
}

fn cut_of(scope: &KeyScope, groups: &[String], resource: &str, scoped: &ClusterScoped) -> Cut {
    let mut named = groups.iter();
    if named.any(|group| SelfReview::named(group, resource).is_some()) {
        return Cut::SelfReview;
    }
    if !scope.namespaces.is_empty() {
        if resource == "namespaces" && groups.iter().any(String::is_empty) {
            return Cut::Namespaces;
        }
        if scoped.holds(groups, resource) {
            return Cut::Nothing;
        }
    }
    match resource.split_once('/') {
        Some((_, subresource)) if CONNECTIONS.contains(&subresource) => Cut::Connection,
        _ => Cut::Verbs,
    }
}

/// Returns the verbs that rule and scope both have.
fn verbs(scope: &KeyScope, rule: &ResourceRule) -> Vec<String> {
    let has_all = rule.verbs.iter().any(|verb| verb == ALL);
    if has_all && !scope.verbs.is_empty() {
        return scope.verbs.clone();
    }
    let both = rule.verbs.iter().filter(|verb| {
        verb.as_str() != IMPERSONATE && (verb.as_str() == ALL || allows(&scope.verbs, verb))
    });
    both.cloned().collect()
}

fn connection_verbs(scope: &KeyScope, rule: &ResourceRule) -> Vec<String> {
    if allows(&scope.verbs, CONNECT_VERB) {
        rule.verbs.clone()
    } else {
        Vec::new()
    }
}

fn namespace_verbs(scope: &KeyScope, rule: &ResourceRule) -> Vec<String> {
    let has_all = rule.verbs.iter().any(|verb| verb == ALL);
    let reading = NAMESPACE_VERBS.into_iter().filter(|reading| {
        (has_all || rule.verbs.iter().any(|verb| verb == reading)) && allows(&scope.verbs, reading)
    });
    reading.map(str::to_owned).collect()
}

fn self_review_verbs(rule: &ResourceRule) -> Vec<String> {
    let mut creates = rule.verbs.iter();
    let creates = creates.any(|verb| verb == ALL || verb == CONNECT_VERB);
    creates
        .then(|| CONNECT_VERB.to_owned())
        .into_iter()
        .collect()
}

/// Returns what a scope leaves of a rule about paths that are of no resource.
fn cut_paths(scope: &KeyScope, rule: NonResourceRule) -> Option<NonResourceRule> {
    const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];
    let allowed = |method: &str| {
        let path = String::new();
        let info = RequestInfo::NonResource {
            verb: method.to_owned(),
            path,
        };
        scope.verbs.is_empty() || verb(&info, false).is_some_and(|verb| allows(&scope.verbs, verb))
    };
    let has_all = rule.verbs.iter().any(|verb| verb == ALL);
    let verbs: Vec<String> = if has_all && !scope.verbs.is_empty() {
        let methods = METHODS.into_iter().filter(|method| allowed(method));
        methods.map(str::to_owned).collect()
    } else {
        let given = rule.verbs.into_iter();
        given
            .filter(|method| method == ALL || allowed(method))
            .collect()
    };
    let urls: Vec<String> = rule.urls.unwrap_or_default();
    let urls = if scope.namespaces.is_empty() {
        urls
    } else if urls.iter().any(|url| url == ALL || url == "/*") {
        let discovery = DISCOVERY.into_iter().filter(|path| !path.is_empty());
        let below = discovery.flat_map(|path| [path.to_owned(), format!("{path}/*")]);
        below.chain(["/".to_owned()]).collect()
    } else {
        let told = urls.into_iter();
        told.filter(|url| is_discovery("get", url.trim_end_matches(ALL)))
            .collect()
    };
    (!verbs.is_empty() && !urls.is_empty()).then_some(NonResourceRule {
        verbs,
        urls: Some(urls),
    })
}

#[cfg(test)]
mod tests;
