//! What was made of clusters before: of a thousand, one has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cubegate_domain::{Cluster, Scheme};
use cubegate_filter_config::{
    Carried, ConfigError, DOCUMENT_FILTER_NAME, DiscoveryPart, FILTER_NAME, MemberEntry,
    MembersPart, PartKind, Resources, TableId, TokenKeys,
};

use serde::Serialize;

use crate::{FilterModule, Resource, ResourceType, Snapshot, cluster, extension_config, secret};

/// Resources that were made before, with what they were made of. One that would be the same is not made
/// again.
#[derive(Debug, Default)]
pub struct Made {
    members: BTreeMap<String, Member>,
    filter: Option<Filter>,
    members_parts: BTreeMap<PartKind, Part<Source>>,
    tables_parts: BTreeMap<PartKind, Part<Arc<Resources>>>,
    /// The ids of the tables that were used last.
    ids: Vec<(Arc<Resources>, TableId)>,
}

/// A member's Envoy clusters and secrets.
#[derive(Debug)]
struct Member {
    of: Arc<Cluster>,
    resources: Snapshot,
}

/// A document, and what it was made of.
#[derive(Debug)]
struct Part<T> {
    of: Vec<T>,
    resource: Arc<Resource>,
}

/// What the filter is told of a member.
#[derive(Debug)]
struct Source {
    cluster: Arc<Cluster>,
    table: Option<Arc<Resources>>,
    is_unreachable: bool,
}

/// Whether two are the very same: most are, and to look closer takes longer than all the rest.
trait Same {
    fn is_same(&self, other: &Self) -> bool;
}

/// The filter and what brings it its document: each has the code, of more than a megabyte.
#[derive(Debug)]
struct Filter {
    module: FilterModule,
    tokens: TokenKeys,
    document: String,
    filter: Arc<Resource>,
    brings: Arc<Resource>,
}

// === impl Made ===

impl Made {
    /// Puts the filter in, and what brings it this document.
    pub(crate) fn insert_filter(
        &mut self,
        snapshot: &mut Snapshot,
        module: &FilterModule,
        tokens: &TokenKeys,
        document: String,
    ) {
        let is_same = |known: &Filter| known.module == *module && known.tokens == *tokens;
        let former = self.filter.take().filter(is_same);
        let made = match former {
            Some(former) if former.document == document => former,
            former => Filter {
                module: module.clone(),
                tokens: tokens.clone(),
                filter: match former {
                    Some(former) => former.filter,
                    None => Arc::new(extension_config::filter(module, tokens)),
                },
                brings: Arc::new(extension_config::document(module, tokens, &document)),
                document,
            },
        };
        for (name, resource) in [
            (FILTER_NAME, &made.filter),
            (DOCUMENT_FILTER_NAME, &made.brings),
        ] {
            snapshot.insert_shared(ResourceType::ExtensionConfig, name, Arc::clone(resource));
        }
        self.filter = Some(made);
    }

    /// Puts the Envoy clusters and secrets of members in.
    pub(crate) fn insert_members<'a>(
        &mut self,
        snapshot: &mut Snapshot,
        clusters: impl Iterator<Item = &'a Arc<Cluster>>,
    ) {
        let mut former = std::mem::take(&mut self.members);
        for cluster in clusters {
            let name = cluster.name.as_str();
            let is_same = |known: &Member| Arc::ptr_eq(&known.of, cluster) || known.of == *cluster;
            let member = match former.remove(name).filter(is_same) {
                Some(known) => known,
                None => {
                    let mut resources = Snapshot::default();
                    secret::insert_cluster(&mut resources, cluster);
                    cluster::insert_member(&mut resources, cluster);
                    Member {
                        of: Arc::clone(cluster),
                        resources,
                    }
                }
            };
            snapshot.insert_all(&member.resources);
            self.members.insert(name.to_owned(), member);
        }
    }

    /// Puts what the filter is told of clusters in. `known` is what is known of their
    /// resources, by name, and `unreachable` are those that give no answer. A part is as long as its
    /// clusters make it; whoever publishes tells of one that comes near what can be sent.
    pub(crate) fn insert_parts(
        &mut self,
        snapshot: &mut Snapshot,
        clusters: &[Arc<Cluster>],
        known: &BTreeMap<String, Arc<Resources>>,
        unreachable: &BTreeSet<String>,
    ) -> Result<(), ConfigError> {
        let mut members: BTreeMap<PartKind, Vec<Source>> = BTreeMap::new();
        let mut tables: BTreeMap<PartKind, Vec<Arc<Resources>>> = BTreeMap::new();
        for kind in PartKind::all() {
            match kind {
                PartKind::Members(_) => drop(members.insert(kind, Vec::new())),
                PartKind::Discovery(_) => drop(tables.insert(kind, Vec::new())),
            }
        }
        let mut ids = Vec::new();
        for cluster in clusters {
            let name = cluster.name.as_str();
            let table = known.get(name).filter(|table| !table.is_empty());
            if let Some(table) = table {
                let (id, is_new) = self.id_of(table, &mut ids)?;
                if is_new && let Some(part) = tables.get_mut(&PartKind::of_table(&id)) {
                    part.push(Arc::clone(table));
                }
            }
            if let Some(part) = members.get_mut(&PartKind::of_member(name)) {
                part.push(Source {
                    cluster: Arc::clone(cluster),
                    table: table.cloned(),
                    is_unreachable: unreachable.contains(name),
                });
            }
        }
        self.ids = ids;
        let ids = &self.ids;
        for (kind, of) in members {
            put(snapshot, &mut self.members_parts, kind, of, |of| {
                let entries = of.iter().map(|source| source.entry(ids));
                MembersPart {
                    members: entries.collect(),
                    ..MembersPart::new()
                }
            })?;
        }
        for (kind, of) in tables {
            put(snapshot, &mut self.tables_parts, kind, of, |of| {
                let tables = of.iter().filter_map(|table| {
                    let id = known_id(ids, table)?.clone();
                    Some((id, Resources::clone(table)))
                });
                DiscoveryPart {
                    tables: tables.collect(),
                    ..DiscoveryPart::new()
                }
            })?;
        }
        Ok(())
    }

    /// Returns the id of a table, and whether it is not in `ids` yet, in which it is noted. Most clusters
    /// have one of a few tables, and whoever knows them keeps equal ones once.
    fn id_of(
        &self,
        table: &Arc<Resources>,
        ids: &mut Vec<(Arc<Resources>, TableId)>,
    ) -> Result<(TableId, bool), ConfigError> {
        if let Some(id) = known_id(ids, table) {
            return Ok((id.clone(), false));
        }
        let id = match known_id(&self.ids, table) {
            Some(id) => id.clone(),
            None => TableId::of(table)?,
        };
        // Two that are equal have one.
        let is_new = !ids.iter().any(|(_, known)| *known == id);
        ids.push((Arc::clone(table), id.clone()));
        Ok((id, is_new))
    }
}

fn known_id<'a>(
    ids: &'a [(Arc<Resources>, TableId)],
    table: &Arc<Resources>,
) -> Option<&'a TableId> {
    let mut known = ids.iter();
    let (_, id) = known.find(|(known, _)| Arc::ptr_eq(known, table))?;
    Some(id)
}

/// Puts a part in, made anew if it is of something else than before.
fn put<T: Same, P: Serialize>(
    snapshot: &mut Snapshot,
    parts: &mut BTreeMap<PartKind, Part<T>>,
    kind: PartKind,
    of: Vec<T>,
    make: impl FnOnce(&[T]) -> P,
) -> Result<(), ConfigError> {
    let carried = Carried::Part(kind);
    let is_same = |part: &&Part<T>| {
        let mut pairs = part.of.iter().zip(&of);
        part.of.len() == of.len() && pairs.all(|(known, now)| known.is_same(now))
    };
    let resource = match parts.get(&kind).filter(is_same) {
        Some(part) => Arc::clone(&part.resource),
        None => {
            let document = serde_json::to_vec(&make(&of))?;
            let resource = Arc::new(extension_config::carried(carried, &document));
            // It may say the same of something else.
            let known = parts.get(&kind).map(|part| &part.resource);
            let known = known.filter(|known| known.version == resource.version);
            let resource = known.cloned().unwrap_or(resource);
            let part = Part {
                of,
                resource: Arc::clone(&resource),
            };
            parts.insert(kind, part);
            resource
        }
    };
    snapshot.insert_shared(
        ResourceType::ExtensionConfig,
        carried.filter_name(),
        resource,
    );
    Ok(())
}

// === impl Source ===

impl Source {
    fn entry(&self, ids: &[(Arc<Resources>, TableId)]) -> (String, MemberEntry) {
        let Self {
            cluster,
            table,
            is_unreachable,
        } = self;
        let entry = MemberEntry {
            authority: cluster.server.authority(),
            path_prefix: cluster.server.path_prefix.clone(),
            // A server in clear is a stand-in for an API server, and nobody
            // registers one over the API.
            any_path: cluster.server.scheme == Scheme::Http,
            unreachable: *is_unreachable,
            discovery: table
                .as_ref()
                .and_then(|table| known_id(ids, table))
                .cloned(),
        };
        (cluster.name.to_string(), entry)
    }
}

impl Same for Source {
    fn is_same(&self, other: &Self) -> bool {
        let tables = (self.table.as_ref(), other.table.as_ref());
        Arc::ptr_eq(&self.cluster, &other.cluster)
            && tables.0.map(Arc::as_ptr) == tables.1.map(Arc::as_ptr)
            && self.is_unreachable == other.is_unreachable
    }
}

impl Same for Arc<Resources> {
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(self, other)
    }
}
