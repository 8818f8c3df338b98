//! The documents of discovery, old and new.

use serde::{Deserialize, Deserializer};

use super::listed::{Listed, Listing};
use super::{DiscoveryError, MAX_RESOURCES, MAX_VERSIONS, Resource, Version};

/// What `/api` and `/apis` are asked for: all in one, where the server knows that.
pub(super) const ACCEPT_ROOT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
     application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// What the document of a version is asked for.
pub(super) const ACCEPT: &str = "application/json";

/// The document of `/api` or `/apis`. Which it is, is told by what it has.
#[derive(Deserialize)]
pub(super) struct Root {
    /// `APIGroupDiscoveryList`: all in one.
    #[serde(default, deserialize_with = "there")]
    items: Option<Listing<Group>>,
    /// `APIVersions`: the versions of the core.
    #[serde(default, deserialize_with = "there")]
    versions: Option<Listing<String>>,
    /// `APIGroupList`: the groups and their versions.
    #[serde(default, deserialize_with = "there")]
    groups: Option<Listing<GroupVersions>>,
}

/// `APIGroup`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupVersions {
    #[serde(deserialize_with = "or_nothing")]
    name: String,
    #[serde(deserialize_with = "or_nothing")]
    versions: Listing<NamedVersion>,
    preferred_version: Option<NamedVersion>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedVersion {
    #[serde(deserialize_with = "or_nothing")]
    version: String,
}

/// `APIGroupDiscovery`
#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    #[serde(deserialize_with = "or_nothing")]
    metadata: Metadata,
    /// The preferred one first.
    #[serde(deserialize_with = "or_nothing")]
    versions: Listing<WholeVersion>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    /// Absent: the core.
    #[serde(deserialize_with = "or_nothing")]
    name: String,
}

/// `APIVersionDiscovery`
#[derive(Default, Deserialize)]
#[serde(default)]
struct WholeVersion {
    #[serde(deserialize_with = "or_nothing")]
    version: String,
    #[serde(deserialize_with = "or_nothing")]
    resources: Listing<WholeResource>,
    /// `Current`, or `Stale` when the aggregated API server did not answer.
    #[serde(deserialize_with = "or_nothing")]
    freshness: String,
}

/// `APIResourceDiscovery`
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WholeResource {
    #[serde(deserialize_with = "or_nothing")]
    resource: String,
    #[serde(deserialize_with = "or_nothing")]
    response_kind: Kind,
    /// `Namespaced` or `Cluster`.
    #[serde(deserialize_with = "or_nothing")]
    scope: String,
    #[serde(deserialize_with = "or_nothing")]
    verbs: Listing<Verb>,
}

/// What can be done with a resource.
#[derive(Deserialize)]
struct Verb(String);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind {
    #[serde(deserialize_with = "or_nothing")]
    kind: String,
}

/// `APIResourceList`
#[derive(Deserialize)]
struct ResourceList {
    // Go says `null` of none.
    resources: Option<Listing<ListedResource>>,
}

/// `APIResource`
#[derive(Default, Deserialize)]
#[serde(default)]
struct ListedResource {
    #[serde(deserialize_with = "or_nothing")]
    name: String,
    #[serde(deserialize_with = "or_nothing")]
    kind: String,
    #[serde(deserialize_with = "or_nothing")]
    namespaced: bool,
    #[serde(deserialize_with = "or_nothing")]
    verbs: Listing<Verb>,
}

/// Reads what may be `null`: Go writes so every list, map and struct that is empty, and reads
/// `null` as what has nothing in it. An entry that lacks something is left out for that alone.
fn or_nothing<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The same of what tells by being there what a document is.
fn there<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    or_nothing(deserializer).map(Some)
}

/// Reads `/api` or `/apis`.
pub(super) fn root(path: &str, bytes: &[u8]) -> Result<Root, DiscoveryError> {
    let root: Root = serde_json::from_slice(bytes).map_err(|error| no_document(path, &error))?;
    if root.items.is_none() && root.versions.is_none() && root.groups.is_none() {
        return Err(DiscoveryError::NoDocument {
            path: path.to_owned(),
            reason: "it lists nothing".to_owned(),
        });
    }
    Ok(root)
}

/// Reads the document of a version.
pub(super) fn resources(path: &str, bytes: &[u8]) -> Result<Vec<Resource>, DiscoveryError> {
    let list: ResourceList =
        serde_json::from_slice(bytes).map_err(|error| no_document(path, &error))?;
    Ok(list.resources.unwrap_or_default().0)
}

// === impl Root ===

impl Root {
    /// Returns whether it holds the resources, too.
    pub(super) fn is_whole(&self) -> bool {
        self.items.is_some()
    }

    /// The versions whose names are names, those of a group in the order of preference.
    /// `is_core` says that the document is that of `/api`, where the group has no name; all
    /// others have one.
    pub(super) fn into_versions(self, is_core: bool) -> Vec<Version> {
        let whole = self.items.unwrap_or_default().0.into_iter();
        let whole = whole.filter(|group| group.metadata.name.is_empty() == is_core);
        let core = self.versions.unwrap_or_default().0;
        // The core is at `/api`.
        let groups = self.groups.unwrap_or_default().0;
        let groups = groups.into_iter().filter(|group| !group.name.is_empty());
        let core = core.into_iter().filter_map(|name| version("", name));
        whole
            .flat_map(Group::into_versions)
            .chain(core)
            .chain(groups.flat_map(GroupVersions::into_versions))
            .collect()
    }
}

// === impl GroupVersions ===

impl GroupVersions {
    fn into_versions(self) -> impl Iterator<Item = Version> {
        let Self {
            name,
            mut versions,
            preferred_version,
        } = self;
        if let Some(preferred) = preferred_version {
            versions
                .0
                .sort_by_key(|one| one.version != preferred.version);
        }
        versions
            .0
            .into_iter()
            .filter_map(move |one| version(&name, one.version))
    }
}

// === impl Group ===

impl Group {
    fn into_versions(self) -> impl Iterator<Item = Version> {
        let Self { metadata, versions } = self;
        versions.0.into_iter().filter_map(move |whole| {
            let mut version = version(&metadata.name, whole.version)?;
            // Of one that is stale the server may tell what it remembers.
            if whole.freshness != "Stale" || !whole.resources.0.is_empty() {
                version.resources = Some(whole.resources.0);
            }
            Some(version)
        })
    }
}

// === what is kept of lists ===

/// One more than is kept in the end, so that something is seen to be left out.
const MOST_RESOURCES: usize = MAX_RESOURCES + 1;
const MOST_VERSIONS: usize = MAX_VERSIONS + 1;

impl Listed for WholeResource {
    type Kept = Resource;
    const MOST: usize = MOST_RESOURCES;

    /// Its sub-resources stand apart, in a field that is not read.
    fn kept(self) -> Option<Resource> {
        let namespaced = match self.scope.as_str() {
            "Namespaced" => true,
            "Cluster" => false,
            // Nobody knows where it is.
            _ => return None,
        };
        made(
            &self.verbs,
            self.resource,
            self.response_kind.kind,
            namespaced,
        )
    }
}

impl Listed for ListedResource {
    type Kept = Resource;
    const MOST: usize = MOST_RESOURCES;

    fn kept(self) -> Option<Resource> {
        let Self {
            name,
            kind,
            namespaced,
            verbs,
        } = self;
        made(&verbs, name, kind, namespaced)
    }
}

impl Listed for Verb {
    type Kept = ();
    const MOST: usize = 1;

    /// Returns whether there is any is all that is asked.
    fn kept(self) -> Option<()> {
        (self.0 == "list").then_some(())
    }
}

/// Lists of these are kept as they are, as far as they go.
macro_rules! versions {
    ($($what:ty),*) => {$(
        impl Listed for $what {
            type Kept = Self;
            const MOST: usize = MOST_VERSIONS;

            fn kept(self) -> Option<Self> {
                Some(self)
            }
        }
    )*};
}

versions!(String, NamedVersion, GroupVersions, Group, WholeVersion);

fn version(group: &str, name: String) -> Option<Version> {
    let good = (group.is_empty() || is_name(group)) && is_name(&name);
    good.then(|| Version {
        group: group.to_owned(),
        name,
        resources: None,
    })
}

/// A resource that can be listed. `pods/log` is none, as its name is none.
fn made(verbs: &Listing<Verb>, plural: String, kind: String, namespaced: bool) -> Option<Resource> {
    let lists = !verbs.0.is_empty();
    let is_kind = !kind.is_empty()
        && kind.len() <= 63
        && kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (lists && is_name(&plural) && is_kind).then_some(Resource {
        plural,
        kind,
        namespaced,
    })
}

/// A DNS-1123 subdomain, as the names of groups, versions and resources are.
fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let outer = |c: char| inner(c) && !matches!(c, '-' | '.');
    name.len() <= 253 && name.chars().all(inner) && name.starts_with(outer) && name.ends_with(outer)
}

fn no_document(path: &str, error: &serde_json::Error) -> DiscoveryError {
    DiscoveryError::NoDocument {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
