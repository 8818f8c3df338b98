//! Who may be whom, remembered for a moment.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;

use cubegate_filter_config::ClusterEntry;
use cubegate_kube::ResourceInfo;
use cubegate_token::Claims;
use lru::LruCache;
use sha2::{Digest as _, Sha256};

/// How long an API server's yes is believed, in seconds; as long as API servers believe
/// it themselves for constrained impersonation. A no is asked for again.
const REMEMBERED_SECONDS: u64 = 10;

/// How many of them one worker remembers; each takes about 100 bytes.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// What a caller may do in a cluster, in one worker.
#[derive(Clone)]
pub(crate) struct Verdicts(Rc<RefCell<LruCache<Key, u64>>>);

/// A digest of who asks, where, and what; names may be long.
type Key = [u8; 32];

/// Who asks, and where.
#[derive(Debug, Clone)]
pub(crate) struct Asker(Sha256);

// === impl Asker ===

impl Asker {
    /// The caller with these claims, at the cluster of this name.
    pub(crate) fn new(claims: &Claims, name: &str, cluster: &ClusterEntry) -> Self {
        let mut digest = Sha256::new();
        // The server, too: a name may have been given anew.
        for part in [
            name,
            &cluster.upstream,
            &cluster.authority,
            &cluster.path_prefix,
            &claims.user,
        ] {
            add(&mut digest, part);
        }
        for group in &claims.groups {
            add(&mut digest, group);
        }
        Self(digest)
    }

    fn key(&self, question: &ResourceInfo) -> Key {
        let mut digest = self.0.clone();
        // Groups are of any number, and what is asked is told apart from them.
        digest.update([1]);
        for part in [
            question.verb,
            &question.group,
            &question.namespace,
            &question.resource,
            &question.subresource,
            &question.name,
        ] {
            add(&mut digest, part);
        }
        digest.finalize().into()
    }
}

/// Behind its length, so that no two rows of texts are the same bytes.
fn add(digest: &mut Sha256, text: &str) {
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    digest.update([0]);
    digest.update(length.to_be_bytes());
    digest.update(text);
}

// === impl Verdicts ===

impl Verdicts {
    /// Returns whether this was allowed a moment ago. `now` is of the steady clock, in seconds.
    pub(crate) fn allows(&self, asker: &Asker, question: &ResourceInfo, now: u64) -> bool {
        let key = asker.key(question);
        let mut known = self.0.borrow_mut();
        match known.get(&key) {
            Some(until) if now < *until => true,
            Some(_) => {
                known.pop(&key);
                false
            }
            None => false,
        }
    }

    /// The cluster has just allowed this.
    pub(crate) fn put(&self, asker: &Asker, question: &ResourceInfo, now: u64) {
        let until = now.saturating_add(REMEMBERED_SECONDS);
        self.0.borrow_mut().put(asker.key(question), until);
    }
}

impl Default for Verdicts {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(LruCache::new(REMEMBERED))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cubegate_token::testing;

    fn cluster(authority: &str) -> ClusterEntry {
        ClusterEntry {
            upstream: "cluster/a".to_owned(),
            upgrade_upstream: None,
            authority: authority.to_owned(),
            path_prefix: String::new(),
            any_path: false,
            resources: Default::default(),
        }
    }

    fn asker(user: &str, groups: &[&str], name: &str, authority: &str) -> Asker {
        let claims = Claims {
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..testing::claims(user, 1_000)
        };
        Asker::new(&claims, name, &cluster(authority))
    }

    fn question(resource: &str, name: &str) -> ResourceInfo {
        ResourceInfo {
            verb: "impersonate",
            resource: resource.to_owned(),
            name: name.to_owned(),
            ..ResourceInfo::default()
        }
    }

    #[test]
    fn a_verdict_is_of_one_caller_one_cluster_and_one_name() {
        let known = Verdicts::default();
        let (ann, bob) = (asker("ann", &["g"], "a", "s"), question("users", "bob"));
        known.put(&ann, &bob, 100);
        assert!(known.allows(&ann, &bob, 109));
        for (other, asked) in [
            (asker("ann", &[], "a", "s"), &bob),
            (asker("ann", &["g", "h"], "a", "s"), &bob),
            (asker("anng", &[], "a", "s"), &bob),
            (asker("ann", &["g"], "b", "s"), &bob),
            (asker("ann", &["g"], "a", "t"), &bob),
            (ann.clone(), &question("groups", "bob")),
            (ann.clone(), &question("users", "bo")),
        ] {
            assert!(!known.allows(&other, asked, 100));
        }
    }

    #[test]
    fn it_ends_by_time_and_their_number_is_bounded() {
        let known = Verdicts::default();
        let ann = asker("ann", &[], "a", "s");
        known.put(&ann, &question("users", "bob"), 100);
        assert!(!known.allows(&ann, &question("users", "bob"), 110));
        assert!(known.0.borrow().is_empty());
        for number in 0..2 * REMEMBERED.get() {
            known.put(&ann, &question("users", &number.to_string()), 100);
        }
        assert_eq!(known.0.borrow().len(), REMEMBERED.get());
    }
}
