//! Step 4, list: whether an answer becomes a page, and the page.

use std::cell::Cell;
use std::rc::Rc;

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListQuery, ListRequest, Progress};

use crate::reply::Family;
use crate::route::MemberTarget;
use crate::{Headers, RequestHead};

/// The bytes that all list requests of one worker hold together.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerMemory(Rc<Cell<usize>>);

/// One list answer on its way through, and its share of the worker's memory.
pub(crate) struct ListStream {
    engine: Option<ListEngine>,
    held: usize,
    memory: WorkerMemory,
    max_worker_bytes: usize,
}

/// What is to be done with a chunk.
pub(crate) enum Step {
    /// It is held; nothing goes out.
    Held,
    /// The answer is no list: these bytes and all that follow go out as they came.
    PassThrough(Vec<u8>),
    /// The body of the page.
    Page(Vec<u8>),
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The list itself.
    List(ListError),
    /// The other lists of this worker.
    WorkerMemoryFull,
}

/// Whether the answer of this request is to be turned into a page, if it is a list.
pub(crate) fn wants_page(
    head: &RequestHead,
    headers: &Headers,
    target: &MemberTarget<'_>,
    request: &ListRequest,
) -> bool {
    if head.method != "GET"
        || target.is_legacy_watch()
        || target.is_proxy_subresource()
        || !accepts_plain_json(headers)
    {
        return false;
    }
    match target.family {
        Family::Cube => request.decides_page(),
        // The kubeconfig that users get points here: nothing changes unless asked for.
        Family::Kube => request.ours_present && request.decides_page(),
    }
}

/// Whether the client takes a list as plain JSON. One that names another form
/// (a Table, metadata only, protobuf, CBOR, YAML) wants that form.
fn accepts_plain_json(headers: &Headers) -> bool {
    const OTHER_FORMS: [&str; 4] = [";as=", "protobuf", "cbor", "yaml"];
    headers.all("accept").all(|value| {
        let value = String::from_utf8_lossy(value)
            .to_ascii_lowercase()
            .replace(' ', "");
        !OTHER_FORMS.iter().any(|form| value.contains(form))
    })
}

// === impl ListStream ===

impl ListStream {
    pub(crate) fn new(
        query: ListQuery,
        limits: Limits,
        memory: WorkerMemory,
        max_worker_bytes: usize,
    ) -> Self {
        let engine = Some(ListEngine::new(query, limits));
        Self {
            engine,
            held: 0,
            memory,
            max_worker_bytes,
        }
    }

    /// Takes a chunk in; `last` ends the answer.
    pub(crate) fn push(&mut self, chunk: &[u8], last: bool) -> Result<Step, Failure> {
        let Some(engine) = self.engine.as_mut() else {
            return Ok(Step::PassThrough(chunk.to_vec()));
        };
        match engine.push(chunk).map_err(Failure::List)? {
            Progress::Held => {}
            Progress::PassThrough(bytes) => {
                self.release();
                return Ok(Step::PassThrough(bytes));
            }
        }
        let held = engine.held_bytes();
        if last {
            return self.finish();
        }
        self.account(held)?;
        Ok(Step::Held)
    }

    /// Ends the answer; nothing more will come.
    pub(crate) fn finish(&mut self) -> Result<Step, Failure> {
        let engine = self.engine.take();
        self.release();
        let Some(engine) = engine else {
            return Ok(Step::PassThrough(Vec::new()));
        };
        match engine.finish().map_err(Failure::List)? {
            Finished::Page(body) => Ok(Step::Page(body)),
            Finished::PassThrough(bytes) => Ok(Step::PassThrough(bytes)),
        }
    }

    fn account(&mut self, held: usize) -> Result<(), Failure> {
        let others = self.memory.0.get().saturating_sub(self.held);
        let total = others.saturating_add(held);
        self.memory.0.set(total);
        self.held = held;
        if total > self.max_worker_bytes {
            return Err(Failure::WorkerMemoryFull);
        }
        Ok(())
    }

    fn release(&mut self) {
        self.engine = None;
        self.memory
            .0
            .set(self.memory.0.get().saturating_sub(self.held));
        self.held = 0;
    }
}

impl Drop for ListStream {
    fn drop(&mut self) {
        self.release();
    }
}

// === impl WorkerMemory ===

impl WorkerMemory {
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.0.get()
    }
}
