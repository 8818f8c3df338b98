//! The answer's half: list → reply.

use std::sync::Arc;

use cubegate_api_types::cube::message;
use cubegate_kube::Family;

use crate::accept;
use crate::exchange::editing::Edit;
use crate::exchange::{Asked, Exchange, Flow, Holding, Sent, State, internal};
use crate::followup::Until;
use crate::list::{Failure, ListStep, ListStream};
use crate::pushdown::Way;
use crate::{Headers, Host, HostError, Reply};

/// How long the upstream took (Envoy's HTTP router filter, "HTTP headers set on downstream
/// responses").
const UPSTREAM_TIME_HEADER: &str = "x-envoy-upstream-service-time";

// === impl Exchange ===

impl Exchange {
    /// The response's headers are there. `last` says that no body follows.
    pub fn on_response_headers(&mut self, host: &impl Host, last: bool) -> Flow {
        let (family, sent) = match std::mem::replace(&mut self.state, State::Passing) {
            State::Sent(sent) => (sent.family, Some(sent)),
            State::SentToControlPlane { family } => (family, None),
            // Envoy holds only so much of a body meanwhile.
            State::Redeeming(redeeming) => (redeeming.family(), None),
            State::Asking(asking) => (asking.family(), None),
            State::Looking(_) => (Family::KubeSphere, None),
            State::Reading(family) => (family, None),
            State::Refusing(refusing) => return self.on_headers_of_refused(host, &refusing, last),
            // The answers that we gave.
            other => {
                self.state = other;
                return Flow::Continue;
            }
        };
        let result = host.response_headers().and_then(|headers| match sent {
            sent if !is_of_upstream(host, &headers) => {
                let member = sent.map(|sent| sent.member);
                self.on_local_headers(host, family, member.as_deref(), (&headers, last))
            }
            Some(sent) => self.on_upstream_headers(host, sent, headers, last),
            None => self.on_control_plane_headers(host, &headers),
        });
        match result {
            Ok(flow) => flow,
            Err(error) => {
                let reply = internal(host, family, &error);
                self.reply(host, &reply)
            }
        }
    }

    fn on_upstream_headers(
        &mut self,
        host: &impl Host,
        sent: Sent,
        headers: Headers,
        last: bool,
    ) -> Result<Flow, HostError> {
        let Sent {
            family,
            member,
            accept_encoding,
            page,
            kubesphere,
            rules,
            is_proxied,
            place,
            long: _,
        } = sent;
        self.answers.outages.answered(&member);
        let status = headers.get_str(":status").unwrap_or_default();
        if let Some(encoding) = headers.get("content-encoding")
            && !last
            && !encoding_was_asked_for(encoding, accept_encoding.as_deref())
        {
            let encoding = String::from_utf8_lossy(encoding).into_owned();
            return Ok(self.reply(host, &Reply::unexpected_encoding(family, &encoding)));
        }
        // Not the caller's: whoever is told 401 logs in again, for ever. Behind `…/proxy/` an
        // application says it, whose callers are its own.
        if status == "401" && !is_proxied {
            return Ok(self.reply(host, &Reply::gateway_unauthorized(family)));
        }
        if let Some(kubesphere) = kubesphere {
            let status = status.parse().unwrap_or(502);
            if status == 404 {
                return Ok(self.reply(host, &kubesphere.not_found()));
            }
            if kubesphere.edits(status) && !last {
                return Ok(self.edit(Edit::KubeSphere(kubesphere), status, headers));
            }
        }
        if let Some(rules) = rules
            && matches!(status, "200" | "201")
            && !last
        {
            let status = status.parse().unwrap_or(502);
            return Ok(self.edit(Edit::Rules(rules), status, headers));
        }
        // Before the headers are held: what turns out to be no list goes out with these.
        self.confine(host, &headers)?;
        if let Some(place) = place {
            Self::refer(host, &headers, &place)?;
        }
        self.show_to_web_origin(host, &headers)?;
        self.date(host)?;
        if let Some(asked) = page
            && status == "200"
            && !last
            && headers.is_json()
        {
            return Ok(self.hold(host, asked, headers));
        }
        Ok(Flow::Continue)
    }

    /// The answer is read for a page from now on.
    fn hold(&mut self, host: &impl Host, asked: Asked, upstream: Headers) -> Flow {
        let Asked {
            request: page,
            share,
        } = asked;
        let list = ListStream::new(
            Arc::clone(&page.query),
            page.way,
            page.table.is_some(),
            self.answers.limits.list,
            share,
        );
        match list {
            Ok(list) => {
                self.state = State::Holding(Box::new(Holding {
                    page,
                    upstream,
                    list,
                }));
                Flow::Pause
            }
            Err(full) => self.reply(host, &Reply::memory_full(page.family, full)),
        }
    }

    fn on_control_plane_headers(
        &self,
        host: &impl Host,
        headers: &Headers,
    ) -> Result<Flow, HostError> {
        self.show_to_web_origin(host, headers)?;
        Ok(Flow::Continue)
    }

    /// Envoy answers by itself: no connection, a reset, a timeout. The status and
    /// the body become those of the path's family. `member` is who should have answered.
    fn on_local_headers(
        &mut self,
        host: &impl Host,
        family: Family,
        member: Option<&str>,
        (headers, last): (&Headers, bool),
    ) -> Result<Flow, HostError> {
        let status: u16 = headers
            .get_str(":status")
            .and_then(|s| s.parse().ok())
            .unwrap_or(502);
        if let Some(member) = member
            && matches!(status, 502..=504)
        {
            self.answers.outages.failed(member, host.steady());
        }
        let reply = match status {
            500..=599 => Reply::upstream_failed(family, status),
            408 => Reply::error(family, status, message::REQUEST_TOO_SLOW),
            _ => Reply::error(family, status, "The request was refused by the proxy."),
        };
        self.count_refusal(&reply);
        host.set_response_header(":status", Some(&reply.status.to_string()))?;
        for (name, value) in &reply.headers {
            host.set_response_header(name, Some(value))?;
        }
        self.confine(host, headers)?;
        self.show_to_web_origin(host, headers)?;
        self.date(host)?;
        if !last {
            host.set_response_header("content-length", Some(&reply.body.len().to_string()))?;
            self.state = State::Replacing(reply.body);
        }
        Ok(Flow::Continue)
    }

    /// `size` bytes of the response's body are there; `last` says that it ends.
    pub fn on_response_body(&mut self, host: &impl Host, size: usize, last: bool) -> Flow {
        match &mut self.state {
            State::Holding(_) => self.on_list_chunk(host, size, last),
            State::Editing(_) => self.on_edited_chunk(host, size, last),
            State::Calling(calling) => {
                let family = calling.family();
                self.on_unread_chunk(host, family, size)
            }
            State::Replacing(body) => {
                let body = std::mem::take(body);
                // The rest of Envoy's own text, if it comes in pieces, is emptied.
                match host.replace_response_chunk(&body) {
                    Ok(()) => Flow::Continue,
                    Err(error) => {
                        host.log_debug(&error.to_string());
                        Flow::Continue
                    }
                }
            }
            State::Replied => Flow::Pause,
            State::New
            | State::Redeeming(_)
            | State::Asking(_)
            | State::Looking(_)
            | State::Reading(_)
            | State::Refusing(_)
            | State::Refused
            | State::SentToControlPlane { .. }
            | State::Sent(_)
            | State::Passing => Flow::Continue,
        }
    }

    /// More of an answer that is no longer read.
    fn on_unread_chunk(&mut self, host: &impl Host, family: Family, size: usize) -> Flow {
        if size > 0
            && let Err(error) = host.replace_response_chunk(&[])
        {
            // What follows cannot be held either: the reply comes at once.
            let reply = internal(host, family, &error);
            return self.reply(host, &reply);
        }
        Flow::Pause
    }

    fn on_list_chunk(&mut self, host: &impl Host, size: usize, last: bool) -> Flow {
        self.bill_list(host, size);
        let State::Holding(holding) = &mut self.state else {
            return Flow::Continue;
        };
        let Holding { page, list, .. } = &mut **holding;
        let family = page.family;
        let chunk = if size == 0 {
            Ok(Vec::new())
        } else {
            host.response_chunk(size)
        };
        let step = match chunk {
            Ok(chunk) => list.push(&chunk, last),
            Err(error) => {
                let reply = internal(host, family, &error);
                return self.reply(host, &reply);
            }
        };
        // Whatever happens next, the chunk must not pile up in Envoy's buffer.
        let emptied = match &step {
            Ok(ListStep::PassThrough(bytes)) => host.replace_response_chunk(bytes),
            _ if size > 0 => host.replace_response_chunk(&[]),
            _ => Ok(()),
        };
        if let Err(error) = emptied {
            let reply = internal(host, family, &error);
            return self.reply(host, &reply);
        }
        self.after_step(host, step)
    }

    /// The response ends with trailers. A list that is still held ends here.
    pub fn on_response_trailers(&mut self, host: &impl Host) -> Flow {
        let holding = match &mut self.state {
            State::Holding(holding) => holding,
            State::Editing(_) => return self.finish_edit(host),
            // The reply is still to come.
            State::Calling(_) => return Flow::Pause,
            _ => return Flow::Continue,
        };
        let family = holding.page.family;
        match holding.list.finish() {
            // The body can no longer be written, so what is no list goes out as
            // a reply of its own, too.
            Ok(ListStep::PassThrough(bytes)) => {
                let reply = Reply::upstream(200, &holding.upstream, bytes);
                self.reply(host, &reply)
            }
            Ok(ListStep::Held) => {
                let reply = Reply::internal(family);
                self.reply(host, &reply)
            }
            step => self.after_step(host, step),
        }
    }

    fn after_step(&mut self, host: &impl Host, step: Result<ListStep, Failure>) -> Flow {
        if matches!(step, Ok(ListStep::Held)) {
            return Flow::Pause;
        }
        let holding = match std::mem::replace(&mut self.state, State::Passing) {
            State::Holding(holding) => *holding,
            other => {
                self.state = other;
                return Flow::Continue;
            }
        };
        let Holding {
            mut page,
            upstream,
            list,
        } = holding;
        let read = list.read();
        self.count_items(list.items());
        if page.way != list.way() {
            self.learn_not_again(&page);
            page.way = list.way();
        }
        let share = list.into_share();
        match step {
            Ok(ListStep::Held) => Flow::Pause,
            Ok(ListStep::PassThrough(_)) => Flow::Continue,
            Ok(ListStep::Page(body)) => {
                drop(share);
                if page.way == Way::Plain && page.table.is_none() {
                    self.learn_size(&page, read);
                }
                self.count_page(page.way, body.len());
                let reply = page.reply(&upstream, body, page.way);
                self.reply_with(host, page.family, &reply)
            }
            Ok(ListStep::Count(uncounted)) => self.count(host, page, upstream, share, uncounted),
            Ok(ListStep::Fetch(keys)) => {
                self.learn_metadata_size(&page, read);
                self.fetch(host, page, upstream, share, keys)
            }
            Ok(ListStep::Relist) => self.relist(host, page, upstream, share, Until::Forgotten),
            Err(Failure::List(error)) => {
                drop(share);
                host.log_debug(&format!("a list was refused: {error}"));
                self.reply(host, &Reply::list_failed(page.family, &error))
            }
            Err(Failure::MemoryFull(full)) => {
                drop(share);
                self.reply(host, &Reply::memory_full(page.family, full))
            }
        }
    }
}

/// Returns whether an answer comes from upstream. Envoy's router says so in a header of all such
/// answers and of no other; to ask Envoy itself takes longer.
fn is_of_upstream(host: &impl Host, headers: &Headers) -> bool {
    headers.get(UPSTREAM_TIME_HEADER).is_some() || host.is_upstream_answer()
}

/// Returns whether every encoding of the answer stands in the `Accept-Encoding` sent
/// (RFC 9110 12.5.3). A request without that header is taken to want none:
/// API servers compress only when asked.
fn encoding_was_asked_for(encoding: &[u8], sent: Option<&str>) -> bool {
    let sent = sent.unwrap_or_default();
    String::from_utf8_lossy(encoding)
        .split(',')
        .map(str::trim)
        .all(|coding| {
            coding.is_empty()
                || coding.eq_ignore_ascii_case("identity")
                || accept::takes_coding(sent, coding)
        })
}
