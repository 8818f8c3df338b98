//! What was made of clusters before: of a thousand, one has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cubegate_domain::{Cluster, Scheme};
use cubegate_filter_config::{
    Carried, ConfigError, DOCUMENT_FILTER_NAME, DiscoveryPart, FILTER_NAME, MemberEntry,
    MembersPart, PartKind, Resources, TableId, TokenKeys,
};

use crate::{FilterModule, Resource, ResourceType, Snapshot, cluster, extension_config, secret};

/// Resources that were made before, with what they were made of. One that would be the same is not made
/// again.
#[derive(Debug, Default)]
pub struct Made {
    members: BTreeMap<String, Member>,
    filter: Option<Filter>,
    parts: BTreeMap<PartKind, (Vec<u8>, Arc<Resource>)>,
    /// The ids of the tables that were used last.
    ids: Vec<(Arc<Resources>, TableId)>,
}

/// A member's Envoy clusters and secrets.
#[derive(Debug)]
struct Member {
    of: Arc<Cluster>,
    resources: Snapshot,
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
    /// resources, by name, and `unreachable` are those that give no answer.
    pub(crate) fn insert_parts(
        &mut self,
        snapshot: &mut Snapshot,
        clusters: &[Arc<Cluster>],
        known: &BTreeMap<String, Arc<Resources>>,
        unreachable: &BTreeSet<String>,
    ) -> Result<(), ConfigError> {
        let mut members = BTreeMap::new();
        let mut tables = BTreeMap::new();
        for kind in PartKind::all() {
            match kind {
                PartKind::Members(_) => drop(members.insert(kind, MembersPart::new())),
                PartKind::Discovery(_) => drop(tables.insert(kind, DiscoveryPart::new())),
            }
        }
        let mut ids = Vec::new();
        for cluster in clusters {
            let name = cluster.name.as_str();
            let table = known.get(name).filter(|table| !table.is_empty());
            let discovery = match table {
                Some(table) => {
                    let id = self.id_of(table, &mut ids)?;
                    if let Some(part) = tables.get_mut(&PartKind::of_table(&id))
                        && !part.tables.contains_key(&id)
                    {
                        part.tables.insert(id.clone(), Resources::clone(table));
                    }
                    Some(id)
                }
                None => None,
            };
            let entry = MemberEntry {
                authority: cluster.server.authority(),
                path_prefix: cluster.server.path_prefix.clone(),
                // A server in clear is a stand-in for an API server, and nobody
                // registers one over the API.
                any_path: cluster.server.scheme == Scheme::Http,
                unreachable: unreachable.contains(name),
                discovery,
            };
            if let Some(part) = members.get_mut(&PartKind::of_member(name)) {
                part.members.insert(name.to_owned(), entry);
            }
        }
        self.ids = ids;
        for (kind, part) in members {
            self.put(snapshot, kind, serde_json::to_vec(&part)?);
        }
        for (kind, part) in tables {
            self.put(snapshot, kind, serde_json::to_vec(&part)?);
        }
        Ok(())
    }

    /// Returns the id of a table, and notes it in `ids`. Most clusters have one of a few tables, and
    /// whoever knows them keeps equal ones once.
    fn id_of(
        &self,
        table: &Arc<Resources>,
        ids: &mut Vec<(Arc<Resources>, TableId)>,
    ) -> Result<TableId, ConfigError> {
        let is_it = |(known, _): &&(Arc<Resources>, TableId)| Arc::ptr_eq(known, table);
        if let Some((_, id)) = ids.iter().find(is_it) {
            return Ok(id.clone());
        }
        let id = match self.ids.iter().find(is_it) {
            Some((_, id)) => id.clone(),
            None => TableId::of(table)?,
        };
        ids.push((Arc::clone(table), id.clone()));
        Ok(id)
    }

    fn put(&mut self, snapshot: &mut Snapshot, kind: PartKind, document: Vec<u8>) {
        let carried = Carried::Part(kind);
        let resource = match self
            .parts
            .get(&kind)
            .filter(|(known, _)| *known == document)
        {
            Some((_, resource)) => Arc::clone(resource),
            None => {
                let resource = Arc::new(extension_config::carried(carried, &document));
                self.parts.insert(kind, (document, Arc::clone(&resource)));
                resource
            }
        };
        snapshot.insert_shared(
            ResourceType::ExtensionConfig,
            carried.filter_name(),
            resource,
        );
    }
}
