//! The plain way, when another one did not lead to the page.

use std::sync::Arc;

use cubegate_list::{Finished, Limits, ListEngine, ListQuery, Progress};

use crate::call::{Ask, CallAnswer, JSON};
use crate::followup::{Next, failed};

/// The whole list is asked for by a call, which holds at most what Envoy takes
/// in (32 MiB). That is no loss: the way is remembered, and the next request
/// for this list goes the plain way by itself, where there is no such bound.
pub(crate) struct Relisting {
    path: String,
    query: Arc<ListQuery>,
    limits: Limits,
}

// === impl Relisting ===

impl Relisting {
    /// `path` is that of the list at the API server, with the query.
    pub(crate) fn new(path: String, query: Arc<ListQuery>, limits: Limits) -> Self {
        Self {
            path,
            query,
            limits,
        }
    }

    pub(crate) fn ask(&self) -> Ask {
        Ask {
            path: self.path.clone(),
            accept: JSON,
        }
    }

    pub(crate) fn take(&mut self, answer: CallAnswer) -> Next {
        if !answer.is_good() {
            return match answer.status {
                None | Some(200 | 401) => failed(answer),
                Some(500..) if !answer.is_refusal() => failed(answer),
                // It is the list's own answer.
                Some(_) => Next::Answer(answer),
            };
        }
        let mut engine = ListEngine::new(Arc::clone(&self.query), self.limits);
        let pushed = engine.push_whole(&answer.body);
        match pushed {
            Ok(Progress::Held) => {}
            Ok(Progress::PassThrough(_)) => return Next::Answer(answer),
            Err(error) => return Next::List(error),
        }
        match engine.finish() {
            Ok(Finished::Page(page)) => {
                let size = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
                Next::Relisted(answer.headers, size, page)
            }
            Ok(_) => Next::Answer(answer),
            Err(error) => Next::List(error),
        }
    }
}
