//! The part in between: calls that the page takes beside the main answer.

use std::collections::BTreeMap;
use std::time::Duration;

use cubegate_kube::{Family, ListPath};
use cubegate_list::{Keys, Uncounted};

use crate::call::{Ask, CallAnswer};
use crate::exchange::{Exchange, Flow, PageRequest, State, internal};
use crate::followup::{Counting, Fetching, FollowUp, Next, Relisting, Until};
use crate::memory::Share;
use crate::meters::Counter;
use crate::pushdown::{Lesson, Way};
use crate::{Headers, Host, Reply};

/// Longest time for all calls on one way to a page, in seconds; about that of a
/// unary route, whose time the main answer has had to itself.
const ALL_CALLS: u64 = 60;

/// Longest time for one of them, in seconds.
const ONE_CALL: u64 = 30;

/// An exchange that waits for calls.
pub(super) struct Calling {
    page: Box<PageRequest>,
    upstream: Headers,
    work: FollowUp,
    share: Share,
    /// The number of each question by the token of its call.
    pending: BTreeMap<u32, usize>,
    asked: usize,
    /// Unix seconds.
    deadline: u64,
}

// === impl Calling ===

impl Calling {
    pub(super) fn family(&self) -> Family {
        self.page.family
    }
}

// === impl Exchange ===

impl Exchange {
    /// A call that this exchange made has ended. `has_answer` says whether there
    /// is an answer at all, `size` how long its body is.
    pub fn on_call_response(
        &mut self,
        host: &impl Host,
        token: u32,
        has_answer: bool,
        size: usize,
    ) {
        let calling = match &mut self.state {
            State::Calling(calling) => calling,
            State::Redeeming(redeeming) if redeeming.waits_for(token) => {
                return self.on_redeemed(host, has_answer, size);
            }
            State::Asking(asking) if asking.waits_for(token) => {
                return self.on_asked(host, has_answer, size);
            }
            State::Looking(looking) if looking.waits_for(token) => {
                return self.on_looked(host, has_answer, size);
            }
            // The exchange did not wait for it: the client has its reply.
            _ => return,
        };
        let Some(number) = calling.pending.remove(&token) else {
            return;
        };
        if let Some(ticket) = self.ticket.get() {
            ticket.bill_list(size, || host.steady_micros());
        }
        let meters = &self.answers.meters;
        let read = u64::try_from(size).unwrap_or(u64::MAX);
        meters.add(Counter::ListBytesRead, read);
        let family = calling.page.family;
        let before = calling.share.held();
        // Counted before it is copied in.
        if let Err(full) = calling.share.add(size) {
            self.reply(host, &Reply::memory_full(family, full));
            return;
        }
        let answer = match answer(host, has_answer, size) {
            Ok(answer) => answer,
            Err(error) => {
                let reply = internal(host, family, &error);
                self.reply(host, &reply);
                return;
            }
        };
        let kept_before = calling.work.kept_bytes();
        let next = calling.work.take(number, answer);
        let more = calling.work.kept_bytes().saturating_sub(kept_before);
        if let Err(full) = calling.share.set(before.saturating_add(more)) {
            self.reply(host, &Reply::memory_full(family, full));
            return;
        }
        self.go_on(host, next);
    }

    /// The page's list must be counted.
    pub(super) fn count(
        &mut self,
        host: &impl Host,
        page: Box<PageRequest>,
        upstream: Headers,
        share: Share,
        uncounted: Box<Uncounted>,
    ) -> Flow {
        let work = FollowUp::Counting(Counting::new(uncounted, &page.path));
        self.call_for(host, page, upstream, share, work)
    }

    /// The page's objects must be fetched.
    pub(super) fn fetch(
        &mut self,
        host: &impl Host,
        page: Box<PageRequest>,
        upstream: Headers,
        share: Share,
        keys: Box<Keys>,
    ) -> Flow {
        let work = ListPath::parse(&page.path)
            .and_then(|path| Fetching::new(keys, &path, &page.upstream_query))
            .map(FollowUp::Fetching);
        match work {
            Some(work) => self.call_for(host, page, upstream, share, work),
            None => self.relist(host, page, upstream, share, Until::Done),
        }
    }

    /// The plain way must be taken.
    pub(super) fn relist(
        &mut self,
        host: &impl Host,
        page: Box<PageRequest>,
        upstream: Headers,
        share: Share,
        until: Until,
    ) -> Flow {
        if until == Until::Forgotten {
            self.learn_not_again(&page);
        }
        let path = format!("{}?{}", page.path, page.upstream_query);
        let limits = self.answers.limits.list;
        let work = Relisting::new(path, page.query.clone(), limits);
        self.call_for(host, page, upstream, share, FollowUp::Relisting(work))
    }

    fn call_for(
        &mut self,
        host: &impl Host,
        page: Box<PageRequest>,
        upstream: Headers,
        share: Share,
        mut work: FollowUp,
    ) -> Flow {
        let asks = work.start();
        self.state = State::Calling(Box::new(Calling {
            page,
            upstream,
            work,
            share,
            pending: BTreeMap::new(),
            asked: 0,
            deadline: host.steady().saturating_add(ALL_CALLS),
        }));
        self.ask(host, &asks);
        Flow::Pause
    }

    fn ask(&mut self, host: &impl Host, asks: &[Ask]) {
        let State::Calling(calling) = &mut self.state else {
            return;
        };
        let family = calling.page.family;
        for ask in asks {
            let left = calling.deadline.saturating_sub(host.steady());
            if left == 0 {
                self.reply(host, &Reply::follow_up_failed(family, Some(504)));
                return;
            }
            if let Err(why) = calling.page.bounds.check(&ask.asked()) {
                self.reply(host, &Reply::out_of_scope(family, &why));
                return;
            }
            let timeout = Duration::from_secs(left.min(ONE_CALL));
            match host.call(&calling.page.origin.call(ask, timeout)) {
                Ok(token) => {
                    calling.pending.insert(token, calling.asked);
                    calling.asked = calling.asked.saturating_add(1);
                }
                Err(error) => {
                    // The cluster was taken away meanwhile, most likely.
                    host.log_debug(&error.to_string());
                    self.reply(host, &Reply::follow_up_failed(family, None));
                    return;
                }
            }
        }
    }

    fn go_on(&mut self, host: &impl Host, next: Next) {
        let asks = match next {
            Next::Ask(asks) => return self.ask(host, &asks),
            other => other,
        };
        let State::Calling(calling) = std::mem::replace(&mut self.state, State::Replied) else {
            return;
        };
        let Calling {
            page,
            upstream,
            share,
            ..
        } = *calling;
        let family = page.family;
        let reply = match asks {
            Next::Ask(_) => return,
            Next::Page(body) => {
                self.count_page(page.way, body.len());
                page.reply(&upstream, body, page.way)
            }
            Next::Relisted(headers, size, body) => {
                self.learn_size(&page, size);
                self.count_page(Way::Plain, body.len());
                page.reply(&headers, body, Way::Plain)
            }
            Next::Answer(CallAnswer {
                status,
                headers,
                body,
            }) => Reply::upstream(status.unwrap_or(502), &headers, body),
            Next::Relist(until) => {
                self.relist(host, page, upstream, share, until);
                return;
            }
            Next::List(error) => {
                host.log_debug(&format!("a list was refused: {error}"));
                Reply::list_failed(page.family, &error)
            }
            Next::Failed(status) => {
                host.log_debug(&format!("a call for a list failed with status {status:?}"));
                Reply::follow_up_failed(page.family, status)
            }
            Next::Refused(answer) => {
                let status = answer.status;
                host.log_debug(&format!(
                    "a call for a list was refused with status {status:?}"
                ));
                Reply::follow_up_refused(page.family, answer)
            }
        };
        drop(share);
        self.reply_with(host, family, &reply);
    }

    /// The way of this page does not lead to it.
    pub(super) fn learn_not_again(&self, page: &PageRequest) {
        let not_again = |lesson: &mut Lesson| match page.way {
            Way::Plain => {}
            Way::Head { .. } => lesson.no_head = true,
            Way::Keys => lesson.no_keys = true,
        };
        self.answers.learned.learn(&page.list(), not_again);
    }

    /// The whole list was read: it is this large.
    pub(super) fn learn_size(&self, page: &PageRequest, bytes: u64) {
        let large = self.answers.limits.metadata_first_bytes;
        self.answers.learned.learn(&page.list(), |lesson| {
            let is_large = large > 0 && bytes >= large;
            lesson.bytes = if is_large { bytes } else { 0 };
        });
    }

    /// The list's metadata was read: it is this large.
    pub(super) fn learn_metadata_size(&self, page: &PageRequest, bytes: u64) {
        self.answers.learned.learn(&page.list(), |lesson| {
            lesson.no_keys |= bytes >= lesson.bytes;
            if bytes < lesson.metadata_bytes / 2 {
                // It is not the list that was so large.
                lesson.bytes = 0;
                lesson.metadata_bytes = 0;
            } else {
                lesson.metadata_bytes = lesson.metadata_bytes.max(bytes);
            }
        });
    }
}

pub(super) fn answer(
    host: &impl Host,
    has_answer: bool,
    size: usize,
) -> Result<CallAnswer, crate::HostError> {
    if !has_answer {
        return Ok(CallAnswer {
            status: None,
            headers: Headers::default(),
            body: Vec::new(),
        });
    }
    let headers = host.call_headers()?;
    let body = if size == 0 {
        Vec::new()
    } else {
        host.call_body(size)?
    };
    Ok(CallAnswer {
        status: headers.get_str(":status").and_then(|s| s.parse().ok()),
        headers,
        body,
    })
}
