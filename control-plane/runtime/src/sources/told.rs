//! What is logged of a source: each thing once, not each time that it is found.

use std::collections::BTreeMap;

use cubegate_domain::ClusterSource;
use cubegate_member::MemberSpec;

/// What was told already.
pub(super) struct Told {
    source: ClusterSource,
    /// Why members are of no use, by their name.
    members: BTreeMap<String, String>,
    /// The same, as it is found now.
    found: BTreeMap<String, String>,
    /// Why the source as a whole is.
    away: Option<String>,
    failed: bool,
    empty: bool,
}

// === impl Told ===

impl Told {
    pub(super) fn new(source: ClusterSource) -> Self {
        Self {
            source,
            members: BTreeMap::new(),
            found: BTreeMap::new(),
            away: None,
            failed: false,
            empty: false,
        }
    }

    /// The source cannot be read.
    pub(super) fn away(&mut self, sentence: &str) {
        if self.away.as_deref() != Some(sentence) {
            tracing::warn!(
                source = self.source.as_str(),
                error = sentence,
                "a source of clusters cannot be read; its clusters stay as they are"
            );
            self.away = Some(sentence.to_owned());
        }
    }

    /// It can.
    pub(super) fn back(&mut self) {
        if self.away.take().is_some() {
            tracing::info!(
                source = self.source.as_str(),
                "a source of clusters can be read again"
            );
        }
    }

    /// The database has failed.
    pub(super) fn failed(&mut self, error: &str) {
        if !self.failed {
            tracing::error!(
                source = self.source.as_str(),
                error,
                "what a source of clusters has cannot be registered; it is tried again"
            );
        }
        self.failed = true;
    }

    /// The source has nothing at all, which is not believed.
    pub(super) fn empty(&mut self, registered: usize) {
        if !self.empty {
            tracing::warn!(
                source = self.source.as_str(),
                clusters = registered,
                "a source of clusters is empty, and was not seen otherwise; its clusters stay as they are until it has one again"
            );
        }
        self.empty = true;
    }

    /// All members are looked at from now on.
    pub(super) fn begin(&mut self) {
        self.failed = false;
        self.found.clear();
    }

    /// Why a member is not registered, or not as it is now. An empty sentence says nothing yet.
    pub(super) fn of_no_use(&mut self, name: &str, sentence: &str) {
        if sentence.is_empty() {
            return;
        }
        if self.members.get(name).is_none_or(|told| told != sentence) {
            tracing::warn!(
                source = self.source.as_str(),
                cluster.name = name,
                error = sentence,
                "a cluster of a source is not taken as it is there"
            );
        }
        self.found.insert(name.to_owned(), sentence.to_owned());
    }

    /// All were looked at.
    pub(super) fn end(&mut self) {
        std::mem::swap(&mut self.members, &mut self.found);
        self.found.clear();
    }

    /// A member was registered, or is another one now than before.
    pub(super) fn put(&mut self, name: &str, spec: &MemberSpec, former: Option<&MemberSpec>) {
        self.empty = false;
        tracing::info!(
            source = self.source.as_str(),
            cluster.name = name,
            cluster.server = %spec.server,
            "a cluster was registered from its source"
        );
        let known =
            |warning: &&String| former.is_some_and(|former| former.warnings.contains(*warning));
        for warning in spec.warnings.iter().filter(|warning| !known(warning)) {
            tracing::warn!(
                source = self.source.as_str(),
                cluster.name = name,
                warning,
                "a cluster of a source wants a look"
            );
        }
    }

    /// A member is registered no more.
    pub(super) fn removed(&self, name: &str) {
        tracing::info!(
            source = self.source.as_str(),
            cluster.name = name,
            "a cluster was removed, since its source has it no more"
        );
    }
}
