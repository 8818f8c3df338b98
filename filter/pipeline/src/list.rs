//! Step 4, list: whether an answer becomes a page, and the page.

use std::sync::Arc;

use cubegate_kube::{ApiPath, Family};
use cubegate_list::{
    Finished, ItemCounts, Keys, Limits, ListEngine, ListError, ListRequest, Progress,
};
use cubegate_list::{ListQuery, Reading, Uncounted};

use crate::RequestHead;
use crate::accept::Form;
use crate::memory::{MemoryFull, Share};
use crate::pushdown::Way;

/// One list answer on its way through, and its share of the worker's memory.
pub(crate) struct ListStream {
    engine: Option<ListEngine>,
    way: Way,
    query: Arc<ListQuery>,
    limits: Limits,
    /// The bytes of the body so far.
    read: u64,
    /// What its items were, once it has ended.
    items: ItemCounts,
    share: Share,
    /// What the request took of it before.
    before: usize,
}

/// What is to be done with a chunk.
pub(crate) enum ListStep {
    /// It is held; nothing goes out.
    Held,
    /// The answer is no list: these bytes and all that follow go out as they came.
    PassThrough(Vec<u8>),
    /// The body of the page.
    Page(Vec<u8>),
    /// A page whose list must still be counted.
    Count(Box<Uncounted>),
    /// A page whose objects must still be fetched.
    Fetch(Box<Keys>),
    /// This way gives no page; the plain one must be taken.
    Relist,
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The list itself.
    List(ListError),
    /// The other lists of this worker, or of the same user.
    MemoryFull(MemoryFull),
}

/// Returns whether the answer of this request is to be turned into a page, if it is a list.
pub(crate) fn wants_page(
    head: &RequestHead,
    form: Form,
    family: Family,
    path: ApiPath<'_>,
    any_path: bool,
    request: &ListRequest,
) -> bool {
    if head.method != "GET"
        || path.is_legacy_watch()
        || path.is_proxy_subresource()
        || !request.decides_page()
    {
        return false;
    }
    match (form, family) {
        (Form::Other, _) => false,
        // A server that stands for an API server has lists wherever it likes.
        (Form::List, Family::KubeCube) => any_path || !path.is_built_in_object(),
        // kubectl speaks to both kinds of path, and the kubeconfig that users get
        // points to the second: nothing changes unless asked for.
        (Form::Table(_), _) | (Form::List, Family::KubeSphere | Family::Kubernetes) => {
            request.ours_present
        }
    }
}

/// Returns whether a body says at its beginning, where API servers do, that it is
/// something else than a list of metadata. One that says nothing there is read
/// as what was asked for, in which case an object has its metadata at the same
/// place whatever else it holds.
fn is_another_list(beginning: &[u8]) -> bool {
    const KIND: &[u8] = b"{\"kind\":\"";
    const METADATA: &[u8] = b"PartialObjectMetadataList\"";
    beginning
        .strip_prefix(KIND)
        .is_some_and(|kind| kind.contains(&b'"') && !kind.starts_with(METADATA))
}

// === impl ListStream ===

impl ListStream {
    /// `is_table` says that the answer was asked for as a Table, and `share` has what the
    /// request takes already.
    pub(crate) fn new(
        query: Arc<ListQuery>,
        way: Way,
        is_table: bool,
        limits: Limits,
        share: Share,
    ) -> Result<Self, MemoryFull> {
        let reading = if is_table {
            Reading::Table
        } else {
            way.reading()
        };
        let engine = ListEngine::reading(Arc::clone(&query), limits, reading);
        let held = engine.held_bytes();
        let mut this = Self {
            engine: Some(engine),
            way,
            query,
            limits,
            read: 0,
            items: ItemCounts::default(),
            before: share.held(),
            share,
        };
        this.hold(held)?;
        Ok(this)
    }

    /// The engine holds so much.
    fn hold(&mut self, bytes: usize) -> Result<(), MemoryFull> {
        self.share.set(self.before.saturating_add(bytes))
    }

    /// Takes a chunk in; `last` ends the answer.
    pub(crate) fn push(&mut self, chunk: &[u8], last: bool) -> Result<ListStep, Failure> {
        if self.way == Way::Keys && self.read == 0 && is_another_list(chunk) {
            // The server does not make metadata lists; it has sent the list itself.
            self.way = Way::Plain;
            self.engine = Some(ListEngine::new(Arc::clone(&self.query), self.limits));
        }
        let Some(engine) = self.engine.as_mut() else {
            return Ok(ListStep::PassThrough(chunk.to_vec()));
        };
        let size = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.read = self.read.saturating_add(size);
        match engine.push(chunk).map_err(Failure::List)? {
            Progress::Held => {}
            Progress::PassThrough(bytes) => {
                self.engine = None;
                return self.no_list(bytes);
            }
        }
        if last {
            return self.finish();
        }
        let held = engine.held_bytes();
        self.hold(held)?;
        Ok(ListStep::Held)
    }

    /// Ends the answer; nothing more will come.
    pub(crate) fn finish(&mut self) -> Result<ListStep, Failure> {
        let Some(engine) = self.engine.take() else {
            return Ok(ListStep::PassThrough(Vec::new()));
        };
        self.items = engine.items();
        // What is kept for further answers is still in the account.
        self.hold(engine.held_bytes())?;
        match engine.finish().map_err(Failure::List)? {
            Finished::Page(body) => Ok(ListStep::Page(body)),
            Finished::PassThrough(bytes) => self.no_list(bytes),
            Finished::Uncounted(uncounted) => Ok(ListStep::Count(uncounted)),
            Finished::Keys(keys) => Ok(ListStep::Fetch(keys)),
            Finished::Unordered => Ok(ListStep::Relist),
        }
    }

    /// The way on which the answer turned out to have come.
    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Returns how large the body was.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// Returns how many items were read, and how many of them were held at the end.
    pub(crate) fn items(&self) -> ItemCounts {
        self.items
    }

    /// Returns the share, for what comes next.
    pub(crate) fn into_share(self) -> Share {
        self.share
    }

    /// Returns what was asked for in another way than the client's is nothing for the client.
    fn no_list(&self, bytes: Vec<u8>) -> Result<ListStep, Failure> {
        match self.way {
            Way::Plain => Ok(ListStep::PassThrough(bytes)),
            Way::Head { .. } | Way::Keys => Ok(ListStep::Relist),
        }
    }
}

impl From<MemoryFull> for Failure {
    fn from(full: MemoryFull) -> Self {
        Self::MemoryFull(full)
    }
}
