//! What is particular about each kind of resource; `table.rs` has one row a kind.
//!
//! A kind without a row has the filters of [`OF_EVERY_KIND`], is sorted by name or by
//! when it was made, and has nothing to hide.

mod table;

use self::table::KINDS;
use crate::derived::Derived;

/// A kind of resource. Fields are paths as in `selector=`.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its plural name, as it stands in paths.
    resource: &'static str,
    /// Its filters beside those of every kind, or in the place of one of these.
    filters: &'static [(&'static str, Filter)],
    /// Its status, where that is computed. The parameter `status` asks for it.
    pub(crate) status: Option<Derived<&'static str>>,
    /// Whether `sortBy=status` sorts by that.
    pub(super) sorts_by_status: bool,
    /// Where its conditions say when they changed: what `sortBy=updateTime` looks at
    /// beside the time when the object was made.
    pub(super) updated: Option<&'static str>,
    /// What nobody gets through KubeSphere's API: password hashes and credentials.
    pub(super) secrets: &'static [&'static str],
}

/// What a parameter asks of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// A field is the value; what is missing counts as empty.
    Is(&'static str),
    /// One of these fields contains the value.
    Holds(&'static [&'static str]),
    /// One of a field's values is the value.
    Has(&'static str),
    /// None of a field's values is the value.
    HasNot(&'static str),
    /// A field is one of the values between `|`, in any case.
    IsOneOf(&'static str),
    /// The name is one of the values between commas.
    Names,
    /// The label selector that the value is holds for this map.
    Selector(&'static str),
    /// The computed status is the value.
    Status(&'static Derived<&'static str>),
    /// It is a pod of a service whose name the value is.
    PodOfService,
}

use Filter::{Has, Holds, Is, Names, Selector};

/// What KubeSphere's console calls an object by.
const ALIAS: &str = "metadata.annotations.kubesphere.io/alias-name";

/// The filters of every kind.
const OF_EVERY_KIND: [(&str, Filter); 10] = [
    ("name", Holds(&["metadata.name", ALIAS])),
    ("nameAndAlias", Holds(&["metadata.name", ALIAS])),
    ("alias", Holds(&[ALIAS])),
    ("names", Names),
    ("uid", Is("metadata.uid")),
    ("namespace", Is("metadata.namespace")),
    ("ownerReference", Has("metadata.ownerReferences[].uid")),
    ("ownerKind", Has("metadata.ownerReferences[].kind")),
    ("label", Selector("metadata.labels")),
    ("annotation", Selector("metadata.annotations")),
];

// === impl Kind ===

impl Kind {
    /// A kind about which nothing is particular.
    const OTHER: Self = Self {
        resource: "",
        filters: &[],
        status: None,
        sorts_by_status: false,
        updated: None,
        secrets: &[],
    };

    /// Returns the kind with this plural name.
    pub(crate) fn of(resource: &str) -> &'static Self {
        let known = KINDS.iter().find(|kind| kind.resource == resource);
        known.unwrap_or(const { &Self::OTHER })
    }

    /// Returns what this parameter asks, with its name; `None` if it is no filter of the kind.
    pub(super) fn filter(&'static self, parameter: &str) -> Option<(&'static str, Filter)> {
        let status = self.status.as_ref();
        let status = status.map(|status| ("status", Filter::Status(status)));
        let own = self.filters.iter().copied().chain(status);
        let mut filters = own.chain(OF_EVERY_KIND.iter().copied());
        filters.find(|(name, _)| *name == parameter)
    }

    /// The parameters that are a filter of any kind.
    pub(super) fn filters_of_any() -> impl Iterator<Item = &'static str> {
        let of_some = KINDS.iter().flat_map(|kind| kind.filters);
        let all = OF_EVERY_KIND.iter().chain(of_some);
        all.map(|(parameter, _)| *parameter).chain(["status"])
    }
}
