//! What somebody asks of a cluster about itself: `kubectl auth can-i`, `auth whoami`.
//!
//! Every client may ask that, and many ask it first, so it is no matter of a scope. But
//! the cluster knows none, and what it allows is cut to what the scope does.

mod body;

use cubegate_kube::{RequestInfo, ResourceInfo};
use cubegate_token::KeyScope;

use body::{AccessSpec, NonResourceAttributes, ResourceAttributes};

use super::{
    Asked, Bounds, CONNECT_VERB, CONNECTIONS, OutOfScope, allows, check_place, verb as verb_of,
};

pub(crate) use body::{AccessReview, Review, RulesReview};

/// The group of [`SelfReview::Access`] and [`SelfReview::Rules`].
const AUTHORIZATION: &str = "authorization.k8s.io";

/// The group of [`SelfReview::Identity`].
const AUTHENTICATION: &str = "authentication.k8s.io";

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelfReview {
    /// Whether one thing is allowed (SelfSubjectAccessReview).
    Access,
    /// What is allowed in a namespace (SelfSubjectRulesReview).
    Rules,
    /// Who it is (SelfSubjectReview).
    Identity,
}

// === impl SelfReview ===

impl SelfReview {
    /// Returns which one a request asks for.
    pub(crate) fn of(asked: &Asked<'_>) -> Option<Self> {
        match RequestInfo::of(asked.method, asked.path, asked.query) {
            Ok(RequestInfo::Resource(ResourceInfo {
                verb: "create",
                group,
                version,
                namespace,
                resource,
                subresource,
                name,
            })) if !asked.upgrade
                && namespace.is_empty()
                && subresource.is_empty()
                && name.is_empty() =>
            {
                // Versions before it do not have its form, or are gone.
                let is_read = version == "v1" || group == AUTHENTICATION;
                Self::named(&group, &resource).filter(|_| is_read)
            }
            _ => None,
        }
    }

    /// Returns the one with this resource.
    pub(super) fn named(group: &str, resource: &str) -> Option<Self> {
        match (group, resource) {
            (AUTHORIZATION, "selfsubjectaccessreviews") => Some(Self::Access),
            (AUTHORIZATION, "selfsubjectrulesreviews") => Some(Self::Rules),
            (AUTHENTICATION, "selfsubjectreviews") => Some(Self::Identity),
            _ => None,
        }
    }
}

// === impl Bounds ===

impl Bounds {
    /// Returns what a request asks about its caller, when the scope has to do with the answer.
    pub(crate) fn self_review(&self, asked: &Asked<'_>) -> Option<SelfReview> {
        self.scope()
            .filter(|scope| !(scope.namespaces.is_empty() && scope.verbs.is_empty()))
            .and_then(|_| SelfReview::of(asked))
    }

    /// Whether the scope allows what a review asks for.
    pub(crate) fn check_access(&self, review: &AccessReview) -> Result<(), OutOfScope> {
        let AccessSpec {
            resource_attributes,
            non_resource_attributes,
        } = review.spec.clone().unwrap_or_default();
        // A review has one of them; the API server refuses any other.
        let resource = resource_attributes.map_or(Ok(()), |asked| self.check_resource(asked));
        let path = non_resource_attributes.map_or(Ok(()), |asked| self.check_path(asked));
        resource.and(path)
    }

    fn check_resource(&self, asked: ResourceAttributes) -> Result<(), OutOfScope> {
        let Some(scope) = self.scope() else {
            return Ok(());
        };
        let ResourceAttributes {
            namespace,
            verb,
            group,
            resource,
            subresource,
            name,
            version: _,
        } = asked;
        let verb = verb.unwrap_or_default();
        let known = KeyScope::VERBS.into_iter().find(|known| *known == verb);
        let info = ResourceInfo {
            verb: known.unwrap_or_default(),
            group: group.unwrap_or_default(),
            namespace: namespace.unwrap_or_default(),
            resource: resource.unwrap_or_default(),
            subresource: subresource.unwrap_or_default(),
            name: name.unwrap_or_default(),
            ..ResourceInfo::default()
        };
        if info.verb == "create" && SelfReview::named(&info.group, &info.resource).is_some() {
            return Ok(());
        }
        let connects = CONNECTIONS.contains(&info.subresource.as_str());
        check_place(scope, &RequestInfo::Resource(info))?;
        match known {
            // Nobody with a bounded key is anybody else.
            _ if verb == "impersonate" => Err(OutOfScope::OtherVerb),
            _ if scope.verbs.is_empty() => Ok(()),
            Some(_) if connects && !allows(&scope.verbs, CONNECT_VERB) => {
                Err(OutOfScope::Verb(CONNECT_VERB))
            }
            Some(_) if connects => Ok(()),
            Some(verb) if allows(&scope.verbs, verb) => Ok(()),
            Some(verb) => Err(OutOfScope::Verb(verb)),
            None => Err(OutOfScope::OtherVerb),
        }
    }

    fn check_path(&self, asked: NonResourceAttributes) -> Result<(), OutOfScope> {
        let Some(scope) = self.scope() else {
            return Ok(());
        };
        let info = RequestInfo::NonResource {
            verb: asked.verb.unwrap_or_default().to_ascii_lowercase(),
            path: asked.path.unwrap_or_default(),
        };
        check_place(scope, &info)?;
        match verb_of(&info, false) {
            _ if scope.verbs.is_empty() => Ok(()),
            Some(verb) if allows(&scope.verbs, verb) => Ok(()),
            Some(verb) => Err(OutOfScope::Verb(verb)),
            None => Err(OutOfScope::OtherVerb),
        }
    }

    /// Whether the scope allows anything in the namespace that a review asks for.
    pub(crate) fn check_rules(&self, review: &RulesReview) -> Result<(), OutOfScope> {
        let namespace = review.spec.as_ref();
        let namespace = namespace.and_then(|spec| spec.namespace.as_deref());
        match self.scope() {
            Some(scope) if !allows(&scope.namespaces, namespace.unwrap_or_default()) => {
                Err(OutOfScope::Namespace)
            }
            _ => Ok(()),
        }
    }
}
