//! What the clusters have, each once in memory: a thousand clusters of one version have the
//! same.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cubegate_filter_config::Resources;
use cubegate_member::Discovery;

/// What one or more clusters have.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) discovery: Discovery,
    /// Made of it; shared with tables that differ in something else.
    pub(super) resources: Arc<Resources>,
}

/// All that are in use.
#[derive(Default)]
pub(super) struct Tables(Mutex<Shared>);

#[derive(Default)]
struct Shared {
    tables: Pool<Table>,
    resources: Pool<Resources>,
    digests: RandomState,
}

/// By digest. Two of one digest that are not the same are just not shared.
type Pool<T> = HashMap<u64, Weak<T>>;

// === impl Tables ===

impl Tables {
    /// The table of this reading, the one that there is already if there is one.
    pub(super) fn of(&self, discovery: Discovery) -> Arc<Table> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Shared {
            tables,
            resources,
            digests,
        } = &mut *shared;
        let digest = digests.hash_one(&discovery);
        let known = tables.get(&digest).and_then(Weak::upgrade);
        if let Some(known) = known.filter(|known| known.discovery == discovery) {
            return known;
        }
        let table = Arc::new(Table {
            resources: one_of(resources, digests, discovery.resources()),
            discovery,
        });
        put(tables, digest, &table);
        table
    }
}

/// The same resources as of another table, if there are.
fn one_of(pool: &mut Pool<Resources>, digests: &RandomState, made: Resources) -> Arc<Resources> {
    let mut digest = digests.build_hasher();
    for (plural, entries) in &made {
        plural.hash(&mut digest);
        for entry in entries {
            (&entry.path, &entry.kind, entry.namespaced).hash(&mut digest);
        }
    }
    let digest = digest.finish();
    let known = pool.get(&digest).and_then(Weak::upgrade);
    known.filter(|known| **known == made).unwrap_or_else(|| {
        let made = Arc::new(made);
        put(pool, digest, &made);
        made
    })
}

/// Notes one, and forgets those that nobody has any more.
fn put<T>(pool: &mut Pool<T>, digest: u64, value: &Arc<T>) {
    pool.retain(|_, known| known.strong_count() > 0);
    pool.insert(digest, Arc::downgrade(value));
}

#[cfg(test)]
mod tests {
    use cubegate_member::Discoverer;
    use cubegate_testing::{cluster, path_of, serve};

    use super::*;

    async fn read(plural: &'static str) -> Discovery {
        let url = serve(move |head| match path_of(head) {
            "/api" => (200, r#"{"versions":["v1"]}"#.to_owned()),
            "/api/v1" => {
                let body = format!(
                    r#"{{"resources":[{{"name":"{plural}","kind":"K","namespaced":true,"verbs":["list"]}}]}}"#
                );
                (200, body)
            }
            _ => (404, String::new()),
        });
        let discoverer = Discoverer::new(&cluster("a", &url)).unwrap();
        discoverer.discover().await.unwrap().0
    }

    #[tokio::test]
    async fn the_same_is_kept_once_and_goes_with_the_last_who_has_it() {
        let tables = Tables::default();
        let (pods, again, nodes) = (read("pods").await, read("pods").await, read("nodes").await);
        let first = tables.of(pods);
        let second = tables.of(again);
        assert!(Arc::ptr_eq(&first, &second));
        let other = tables.of(nodes.clone());
        assert!(!Arc::ptr_eq(&first.resources, &other.resources));
        drop((first, second));
        drop(other);
        let other = tables.of(nodes);
        let shared = tables.0.lock().unwrap();
        assert_eq!((shared.tables.len(), shared.resources.len()), (1, 1));
        assert_eq!(other.resources.len(), 1);
    }
}
