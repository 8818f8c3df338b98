//! The member clusters, as parts of their table come and go.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use cubegate_filter_config::{
    ClusterEntry, ConfigError, DISCOVERY_PARTS, DiscoveryPart, MEMBERS_PARTS, MemberEntry,
    MembersPart, PartKind, Resources, TableId,
};

/// The members that are told of in parts, one table for the whole VM: clones share it, and a
/// part that comes is in force for all of them at once. It holds the newest version of each part
/// and no other.
#[derive(Clone, Default)]
pub struct Members(Rc<Parts>);

#[derive(Default)]
struct Parts {
    members: RefCell<BTreeMap<u8, BTreeMap<String, Rc<Member>>>>,
    tables: RefCell<BTreeMap<u8, BTreeMap<TableId, Rc<Resources>>>>,
    /// Every part is there.
    are_complete: Cell<bool>,
    /// How often members have come.
    version: Cell<u64>,
}

/// One member.
#[derive(Debug)]
pub(crate) struct Member {
    /// How it is reached; its own `resources` are empty.
    pub(crate) cluster: ClusterEntry,
    /// What it has; empty while that is not known.
    pub(crate) resources: Rc<Resources>,
    /// The control plane gets no answer from it.
    pub(crate) is_unreachable: bool,
    /// The table that is to be known before `resources` are what it has now. Until then they
    /// are what it had before.
    awaited: Option<TableId>,
}

// === impl Members ===

impl Members {
    /// Takes a part in the place of the one of its kind.
    ///
    /// # Errors
    /// [`ConfigError`]; what was in force stays so.
    pub fn take(&self, kind: PartKind, document: &[u8]) -> Result<(), ConfigError> {
        match kind {
            PartKind::Members(part) => {
                let MembersPart { members, .. } = MembersPart::from_json(document)?;
                self.put_members(part, members);
                let version = self.0.version.get();
                self.0.version.set(version.wrapping_add(1));
            }
            PartKind::Discovery(part) => {
                let DiscoveryPart { tables, .. } = DiscoveryPart::from_json(document)?;
                self.put_tables(part, tables);
            }
        }
        let there = (self.0.members.borrow().len(), self.0.tables.borrow().len());
        let all = (usize::from(MEMBERS_PARTS), usize::from(DISCOVERY_PARTS));
        self.0.are_complete.set(there == all);
        Ok(())
    }

    /// Returns whether all parts are there. Before that nobody knows which clusters there are.
    pub fn are_known(&self) -> bool {
        self.0.are_complete.get()
    }

    /// Returns the member of this name.
    pub(crate) fn get(&self, name: &str) -> Option<Rc<Member>> {
        let PartKind::Members(part) = PartKind::of_member(name) else {
            return None;
        };
        self.0.members.borrow().get(&part)?.get(name).cloned()
    }

    /// Returns a number that is another whenever members have come.
    pub(crate) fn version(&self) -> u64 {
        self.0.version.get()
    }

    /// Hands over each member from which the control plane gets no answer.
    pub(crate) fn each_unreachable(&self, mut take: impl FnMut(&str)) {
        let parts = self.0.members.borrow();
        for (name, member) in parts.values().flatten() {
            if member.is_unreachable {
                take(name);
            }
        }
    }

    fn put_members(&self, part: u8, entries: BTreeMap<String, MemberEntry>) {
        let mut parts = self.0.members.borrow_mut();
        let former = parts.remove(&part).unwrap_or_default();
        let members = entries.into_iter().map(|(name, mut entry)| {
            let awaited = entry.discovery.take();
            let known = awaited.as_ref().and_then(|id| self.table(id));
            let had = || former.get(&name).map(|member| Rc::clone(&member.resources));
            let is_known = known.is_some() || awaited.is_none();
            let member = Member {
                resources: match is_known {
                    true => known.unwrap_or_default(),
                    false => had().unwrap_or_default(),
                },
                awaited: awaited.filter(|_| !is_known),
                is_unreachable: entry.unreachable,
                cluster: entry.into_cluster(&name),
            };
            (name, Rc::new(member))
        });
        let members = members.collect();
        parts.insert(part, members);
    }

    fn put_tables(&self, part: u8, tables: BTreeMap<TableId, Resources>) {
        let tables = tables.into_iter().map(|(id, table)| {
            let known = self.table(&id);
            (id, known.unwrap_or_else(|| Rc::new(table)))
        });
        let tables = tables.collect();
        self.0.tables.borrow_mut().insert(part, tables);
        for members in self.0.members.borrow_mut().values_mut() {
            for member in members.values_mut() {
                let found = member.awaited.as_ref().and_then(|id| self.table(id));
                if let Some(resources) = found {
                    *member = Rc::new(Member {
                        cluster: member.cluster.clone(),
                        resources,
                        is_unreachable: member.is_unreachable,
                        awaited: None,
                    });
                }
            }
        }
    }

    fn table(&self, id: &TableId) -> Option<Rc<Resources>> {
        let PartKind::Discovery(part) = PartKind::of_table(id) else {
            return None;
        };
        self.0.tables.borrow().get(&part)?.get(id).cloned()
    }
}

// === impl Member ===

impl Member {
    /// A cluster that stands in the configuration itself, with what it has.
    pub(crate) fn of(mut cluster: ClusterEntry) -> Self {
        let resources = std::mem::take(&mut cluster.resources);
        Self {
            cluster,
            resources: Rc::new(resources),
            is_unreachable: false,
            awaited: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use cubegate_filter_config::ResourceEntry;

    use super::*;

    fn table(kind: &str) -> Resources {
        let entry = ResourceEntry {
            path: "/api/v1".to_owned(),
            kind: kind.to_owned(),
            namespaced: true,
        };
        Resources::from([("pods".to_owned(), vec![entry])])
    }

    fn put_member(members: &Members, name: &str, discovery: Option<&TableId>) {
        let mut part = MembersPart::new();
        let entry = MemberEntry {
            authority: "10.0.0.1:6443".to_owned(),
            path_prefix: String::new(),
            any_path: false,
            unreachable: false,
            discovery: discovery.cloned(),
        };
        part.members.insert(name.to_owned(), entry);
        let document = serde_json::to_vec(&part).unwrap();
        members.take(PartKind::of_member(name), &document).unwrap();
    }

    fn put_table(members: &Members, table: &Resources) -> TableId {
        let id = TableId::of(table).unwrap();
        let mut part = DiscoveryPart::new();
        part.tables.insert(id.clone(), table.clone());
        let document = serde_json::to_vec(&part).unwrap();
        members.take(PartKind::of_table(&id), &document).unwrap();
        id
    }

    #[test]
    fn nothing_is_known_before_all_parts_are_there() {
        let members = Members::default();
        put_member(&members, "m", None);
        let empty = serde_json::to_vec(&MembersPart::new()).unwrap();
        let none = serde_json::to_vec(&DiscoveryPart::new()).unwrap();
        for kind in PartKind::all().filter(|kind| *kind != PartKind::of_member("m")) {
            assert!(!members.are_known(), "{kind:?}");
            let document = match kind {
                PartKind::Members(_) => &empty,
                PartKind::Discovery(_) => &none,
            };
            members.take(kind, document).unwrap();
        }
        assert!(members.are_known());
        assert_eq!(members.get("m").unwrap().cluster.upstream, "cluster/m");
        members.take(PartKind::of_member("m"), &empty).unwrap();
        assert!(members.are_known() && members.get("m").is_none());
    }

    #[test]
    fn a_member_has_what_it_had_until_its_new_table_is_there() {
        let members = Members::default();
        let (pod, pot) = (table("Pod"), table("Pot"));
        let resources = || Resources::clone(&members.get("m").unwrap().resources);
        let first = TableId::of(&pod).unwrap();
        put_member(&members, "m", Some(&first));
        assert!(resources().is_empty());
        put_table(&members, &pod);
        assert_eq!(resources(), pod);
        // Whichever of member and table comes first.
        let second = TableId::of(&pot).unwrap();
        let gone = serde_json::to_vec(&DiscoveryPart::new()).unwrap();
        members.take(PartKind::of_table(&first), &gone).unwrap();
        assert_eq!(resources(), pod);
        put_member(&members, "m", Some(&second));
        assert_eq!(resources(), pod);
        put_table(&members, &pot);
        assert_eq!(resources(), pot);
        put_member(&members, "m", None);
        assert!(resources().is_empty());
    }

    #[test]
    fn members_of_one_table_share_it() {
        let members = Members::default();
        let id = put_table(&members, &table("Pod"));
        put_member(&members, "a", Some(&id));
        put_member(&members, "b", Some(&id));
        let of = |name| Rc::clone(&members.get(name).unwrap().resources);
        assert!(Rc::ptr_eq(&of("a"), &of("b")));
    }

    #[test]
    fn a_part_that_cannot_be_read_changes_nothing() {
        let members = Members::default();
        put_member(&members, "m", None);
        assert!(members.take(PartKind::of_member("m"), b"{").is_err());
        assert!(members.get("m").is_some());
    }
}
