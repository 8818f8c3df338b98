//! What Envoy has asked for, of one type.

use std::collections::BTreeSet;
use std::sync::Arc;

use cubegate_snapshot::ResourceType;

/// The name that stands for "everything of this type".
const WILDCARD: &str = "*";

/// The names, and the wildcard, that Envoy is subscribed to.
#[derive(Debug)]
pub(super) struct Subscription {
    /// Only clusters and listeners can be asked for as a whole; for the other
    /// types `*` is a name like any other.
    allows_wildcard: bool,
    wildcard: bool,
    names: BTreeSet<Arc<str>>,
}

/// What one request has changed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Change {
    /// Names that must be answered, even if Envoy should have them already: it
    /// may have dropped them in the meantime.
    pub(super) owed: BTreeSet<Arc<str>>,
    /// The wildcard was asked for: at least an empty answer must follow.
    pub(super) wildcard_owed: bool,
    /// Something that was subscribed to no longer is.
    pub(super) narrowed: bool,
}

// === impl Subscription ===

impl Subscription {
    /// Begins with the first request of a type. If it names nothing, it means
    /// everything; in later requests it means that nothing changes.
    pub(super) fn open(
        kind: ResourceType,
        subscribe: Vec<Arc<str>>,
        unsubscribe: &[String],
    ) -> (Self, Change) {
        let allows_wildcard = matches!(kind, ResourceType::Cluster | ResourceType::Listener);
        let wildcard = allows_wildcard && subscribe.is_empty();
        let mut this = Self {
            allows_wildcard,
            wildcard,
            names: BTreeSet::new(),
        };
        let mut change = this.update(subscribe, unsubscribe);
        change.wildcard_owed |= wildcard;
        (this, change)
    }

    /// Subscribes, then unsubscribes. A name that was not subscribed to is
    /// ignored when it is unsubscribed from.
    pub(super) fn update(&mut self, subscribe: Vec<Arc<str>>, unsubscribe: &[String]) -> Change {
        let mut change = Change::default();
        for name in subscribe {
            if self.allows_wildcard && *name == *WILDCARD {
                self.wildcard = true;
                change.wildcard_owed = true;
            } else {
                change.owed.insert(name.clone());
                self.names.insert(name);
            }
        }
        for name in unsubscribe {
            if self.allows_wildcard && name == WILDCARD {
                change.narrowed |= self.wildcard;
                change.wildcard_owed = false;
                self.wildcard = false;
            } else if let Some(name) = self.names.take(name.as_str()) {
                change.owed.remove(&name);
                change.narrowed = true;
                // Envoy may have forgotten it and cannot tell whether the
                // wildcard still covers it: the protocol has us say which.
                if self.wildcard {
                    change.owed.insert(name);
                }
            }
        }
        change
    }

    /// Returns whether everything of the type is subscribed to.
    pub(super) fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// The names that were asked for one by one.
    pub(super) fn names(&self) -> &BTreeSet<Arc<str>> {
        &self.names
    }

    /// Returns whether Envoy wants to know about this name.
    pub(super) fn covers(&self, name: &str) -> bool {
        self.wildcard || self.names.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn shared(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    fn set(names: &[&str]) -> BTreeSet<Arc<str>> {
        shared(names).into_iter().collect()
    }

    #[test]
    fn first_request_without_names_means_everything() {
        let (mut subscription, change) = Subscription::open(ResourceType::Cluster, vec![], &[]);
        assert!(subscription.is_wildcard());
        assert!(change.wildcard_owed);
        assert_eq!(subscription.update(vec![], &[]), Change::default());
        assert!(subscription.is_wildcard());
    }

    #[test]
    fn first_request_without_names_means_nothing_where_there_is_no_wildcard() {
        for kind in [
            ResourceType::Secret,
            ResourceType::ExtensionConfig,
            ResourceType::RouteConfiguration,
        ] {
            let (subscription, change) = Subscription::open(kind, vec![], &[]);
            assert!(!subscription.is_wildcard());
            assert_eq!(change, Change::default());
        }
    }

    #[test]
    fn first_request_with_names_is_no_wildcard_and_never_becomes_one_by_itself() {
        let (mut subscription, change) =
            Subscription::open(ResourceType::Listener, shared(&["a"]), &[]);
        assert_eq!(change.owed, set(&["a"]));
        assert!(!subscription.is_wildcard());
        assert!(subscription.update(vec![], &list(&["a"])).narrowed);
        subscription.update(vec![], &[]);
        assert!(!subscription.is_wildcard());
        assert!(subscription.names().is_empty());
    }

    #[test]
    fn implicit_wildcard_stays_when_a_name_is_added() {
        let (mut subscription, _) = Subscription::open(ResourceType::Cluster, vec![], &[]);
        subscription.update(shared(&["a"]), &[]);
        assert!(subscription.is_wildcard());
        assert_eq!(*subscription.names(), set(&["a"]));
    }

    #[test]
    fn explicit_wildcard_can_be_left_and_taken_again() {
        let (mut subscription, change) =
            Subscription::open(ResourceType::Cluster, shared(&["*", "a"]), &[]);
        assert!(subscription.is_wildcard());
        assert!(change.wildcard_owed);
        assert!(subscription.update(vec![], &list(&["*"])).narrowed);
        assert!(!subscription.covers("b"));
        assert!(subscription.covers("a"));
        assert!(subscription.update(shared(&["*"]), &[]).wildcard_owed);
        assert!(subscription.covers("b"));
    }

    #[test]
    fn phantom_unsubscribe_is_ignored() {
        let (mut subscription, _) = Subscription::open(ResourceType::Secret, shared(&["a"]), &[]);
        assert_eq!(
            subscription.update(vec![], &list(&["b", "*"])),
            Change::default()
        );
        let (mut subscription, _) = Subscription::open(ResourceType::Cluster, shared(&["a"]), &[]);
        assert_eq!(
            subscription.update(vec![], &list(&["b", "*"])),
            Change::default()
        );
    }

    #[test]
    fn name_dropped_under_a_wildcard_is_owed_an_answer() {
        let (mut subscription, _) =
            Subscription::open(ResourceType::Cluster, shared(&["*", "a"]), &[]);
        assert_eq!(subscription.update(vec![], &list(&["a"])).owed, set(&["a"]));
        assert!(subscription.covers("a"));
    }
}
