//! One request and its answer, step by step.

use std::rc::Rc;

use cubegate_list::ListRequest;

use crate::credential::{self, Source};
use crate::list::{self, Failure, ListStream, Step};
use crate::reply::Family;
use crate::route::{MemberTarget, Target, route};
use crate::upstream::{Rewrite, Upstream};
use crate::{Gateway, Headers, Host, HostError, Reply, RequestHead};

/// What Envoy is told after a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Hold headers, or wait: a reply has been given or will be.
    Pause,
}

/// One request and its answer.
pub struct Exchange {
    gateway: Rc<Gateway>,
    state: State,
}

/// Where an exchange stands. The response callbacks act on this alone, for the
/// request's headers can no longer be read then.
enum State {
    /// The request's headers have not come yet.
    New,
    /// The request went to the control plane, whose answers are its own.
    SentToControlPlane { family: Family },
    /// The request went to a member cluster.
    Sent(Sent),
    /// The answer is being read for a page; its headers are held.
    Holding {
        family: Family,
        upstream: Headers,
        list: Box<ListStream>,
    },
    /// A local answer of Envoy gets this body in the place of its own.
    Replacing(Vec<u8>),
    /// The upstream's answer was replaced by a reply; what still comes of it is
    /// dropped.
    Replied,
    /// The answer goes through as it is.
    Passing,
}

struct Sent {
    family: Family,
    /// The `Accept-Encoding` that went upstream.
    accept_encoding: Option<String>,
    list: Option<ListRequest>,
}

// === impl Exchange ===

impl Exchange {
    /// A new exchange under this configuration; it keeps it to its end.
    pub fn new(gateway: Rc<Gateway>) -> Self {
        Self {
            gateway,
            state: State::New,
        }
    }

    /// The request's headers are there.
    pub fn on_request_headers(&mut self, host: &impl Host) -> Flow {
        let outcome = host
            .request_headers()
            .map_err(|error| internal(host, Family::Kube, &error))
            .and_then(|headers| self.admit(host, headers))
            .and_then(|(rewrite, state)| {
                host.set_request_headers(rewrite.headers())
                    .map_err(|error| internal(host, Family::Kube, &error))?;
                Ok(state)
            });
        match outcome {
            Ok(state) => {
                self.state = state;
                Flow::Continue
            }
            Err(reply) => {
                // A reply in the request phase comes back through the response
                // callbacks as if it were an answer, and must pass there.
                let flow = self.reply(host, &reply);
                self.state = State::Passing;
                flow
            }
        }
    }

    /// verify → route → upstream. The order of the answers is KubeCube's: who
    /// somebody is comes before whether a cluster exists.
    fn admit(&self, host: &impl Host, headers: Headers) -> Result<(Rewrite, State), Reply> {
        let head = RequestHead::parse(&headers)?;
        let target = match route(&head) {
            Target::ControlPlane => {
                let family = Family::of_path(&head.path);
                let rewrite = Rewrite::to_control_plane(headers, &head.path);
                return Ok((rewrite, State::SentToControlPlane { family }));
            }
            Target::Member(target) => target,
        };
        let family = target.family;
        let upgrade = headers
            .get("upgrade")
            .is_some_and(|value| !value.is_empty());

        let found = credential::find(family, &headers)?;
        if found.source == Source::Cookie
            && (upgrade || !head.is_read())
            && credential::is_cross_site(&headers)
        {
            return Err(Reply::cross_site(family));
        }
        let caller = self
            .gateway
            .verifier
            .verify(found.token, host.now())
            .map_err(|error| {
                host.log_debug(&format!("a token was refused: {error}"));
                Reply::token_invalid(family)
            })?;

        let cluster = self
            .gateway
            .cluster(&target.cluster)
            .ok_or_else(|| Reply::cluster_not_found(family, &target.cluster))?;

        let request = ListRequest::parse(head.query.as_deref().unwrap_or_default());
        let list = !upgrade && list::wants_page(&head, &headers, &target, &request);
        let class = target.class(request.streaming, upgrade);
        let MemberTarget { path, .. } = target;
        let query = if list {
            Some(request.upstream_query.as_str())
        } else {
            head.query.as_deref()
        };
        let upstream = Upstream {
            cluster,
            original_path: &head.path,
            path,
            query,
            class,
            upgrade,
            list,
        };
        let rewrite = Rewrite::to_member(headers, &caller, &upstream);
        let accept_encoding = rewrite
            .headers()
            .get_str("accept-encoding")
            .map(str::to_owned);
        let list = list.then_some(request);
        Ok((
            rewrite,
            State::Sent(Sent {
                family,
                accept_encoding,
                list,
            }),
        ))
    }

    /// The response's headers are there. `last` says that no body follows.
    pub fn on_response_headers(&mut self, host: &impl Host, last: bool) -> Flow {
        let (family, sent) = match std::mem::replace(&mut self.state, State::Passing) {
            State::Sent(sent) => (sent.family, Some(sent)),
            State::SentToControlPlane { family } => (family, None),
            // The answers that we gave.
            other => {
                self.state = other;
                return Flow::Continue;
            }
        };
        let result = match sent {
            _ if !host.is_upstream_answer() => self.on_local_headers(host, family, last),
            Some(sent) => self.on_upstream_headers(host, sent, last),
            None => Ok(Flow::Continue),
        };
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
        last: bool,
    ) -> Result<Flow, HostError> {
        let Sent {
            family,
            accept_encoding,
            list,
        } = sent;
        let headers = host.response_headers()?;
        let status = headers.get_str(":status").unwrap_or_default();
        if let Some(encoding) = headers.get("content-encoding")
            && !last
            && !encoding_was_asked_for(encoding, accept_encoding.as_deref())
        {
            let encoding = String::from_utf8_lossy(encoding).into_owned();
            return Ok(self.reply(host, &Reply::unexpected_encoding(family, &encoding)));
        }
        if let Some(request) = list
            && status == "200"
            && !last
            && is_json(&headers)
        {
            let list = ListStream::new(
                request,
                self.gateway.list_limits(),
                self.gateway.memory.clone(),
                self.gateway.limits.max_worker_bytes,
            );
            self.state = State::Holding {
                family,
                upstream: headers,
                list: Box::new(list),
            };
            return Ok(Flow::Pause);
        }
        if headers.get("set-cookie").is_some() {
            // Cookies of this origin are the gateway's: a workload behind the
            // proxy sub-resource must not be able to set them.
            host.set_response_header("set-cookie", None)?;
        }
        Ok(Flow::Continue)
    }

    /// Envoy answers by itself: no connection, a reset, a timeout. The status and
    /// the body become those of the path's family.
    fn on_local_headers(
        &mut self,
        host: &impl Host,
        family: Family,
        last: bool,
    ) -> Result<Flow, HostError> {
        let headers = host.response_headers()?;
        let status: u16 = headers
            .get_str(":status")
            .and_then(|s| s.parse().ok())
            .unwrap_or(502);
        let reply = match status {
            500..=599 => Reply::upstream_failed(family, status),
            _ => Reply::error(family, status, "The request was refused by the proxy."),
        };
        host.set_response_header(":status", Some(&reply.status.to_string()))?;
        for (name, value) in &reply.headers {
            host.set_response_header(name, Some(value))?;
        }
        if !last {
            host.set_response_header("content-length", Some(&reply.body.len().to_string()))?;
            self.state = State::Replacing(reply.body);
        }
        Ok(Flow::Continue)
    }

    /// `size` bytes of the response's body are there; `last` says that it ends.
    pub fn on_response_body(&mut self, host: &impl Host, size: usize, last: bool) -> Flow {
        match &mut self.state {
            State::Holding { .. } => self.on_list_chunk(host, size, last),
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
            State::New | State::SentToControlPlane { .. } | State::Sent(_) | State::Passing => {
                Flow::Continue
            }
        }
    }

    fn on_list_chunk(&mut self, host: &impl Host, size: usize, last: bool) -> Flow {
        let State::Holding { family, list, .. } = &mut self.state else {
            return Flow::Continue;
        };
        let family = *family;
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
            Ok(Step::PassThrough(bytes)) => host.replace_response_chunk(bytes),
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
        let State::Holding { family, list, .. } = &mut self.state else {
            return Flow::Continue;
        };
        let family = *family;
        match list.finish() {
            // The body can no longer be written, so what is no list goes out as
            // a reply of its own, too.
            Ok(Step::PassThrough(bytes)) => self.after_step(host, Ok(Step::Page(bytes))),
            Ok(Step::Held) => {
                let reply = Reply::internal(family);
                self.reply(host, &reply)
            }
            step => self.after_step(host, step),
        }
    }

    fn after_step(&mut self, host: &impl Host, step: Result<Step, Failure>) -> Flow {
        let State::Holding {
            family, upstream, ..
        } = &self.state
        else {
            return Flow::Continue;
        };
        let family = *family;
        match step {
            Ok(Step::Held) => Flow::Pause,
            Ok(Step::PassThrough(_)) => {
                self.state = State::Passing;
                Flow::Continue
            }
            Ok(Step::Page(body)) => {
                let reply = Reply::page(upstream, body);
                self.reply(host, &reply)
            }
            Err(Failure::List(error)) => {
                host.log_debug(&format!("a list was refused: {error}"));
                self.reply(host, &Reply::list_failed(family, &error))
            }
            Err(Failure::WorkerMemoryFull) => self.reply(host, &Reply::worker_memory_full(family)),
        }
    }

    /// Answers once. What was held is dropped first, so that its memory is free
    /// whatever the proxy does next.
    fn reply(&mut self, host: &impl Host, reply: &Reply) -> Flow {
        self.state = State::Replied;
        if let Err(error) = host.reply(reply) {
            host.log_debug(&error.to_string());
        }
        Flow::Pause
    }
}

fn internal(host: &impl Host, family: Family, error: &HostError) -> Reply {
    host.log_debug(&error.to_string());
    Reply::internal(family)
}

fn is_json(headers: &Headers) -> bool {
    headers.get_str("content-type").is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/json")
    })
}

/// Whether every encoding of the answer stands in the `Accept-Encoding` sent
/// (RFC 9110 12.5.3). A request without that header is taken to want none:
/// API servers compress only when asked.
fn encoding_was_asked_for(encoding: &[u8], accept: Option<&str>) -> bool {
    let accept = accept.unwrap_or_default();
    let accepted = |wanted: &str| {
        accept.split(',').any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let refused = parts.any(|p| matches!(p.replace(' ', "").as_str(), "q=0" | "q=0.0"));
            (name == "*" || name.eq_ignore_ascii_case(wanted)) && !refused
        })
    };
    String::from_utf8_lossy(encoding)
        .split(',')
        .map(str::trim)
        .all(|coding| {
            coding.is_empty() || coding.eq_ignore_ascii_case("identity") || accepted(coding)
        })
}
