//! The answer's half: list → reply.

use crate::exchange::{Exchange, Flow, Sent, State, internal};
use crate::list::{Failure, ListStream, Step};
use crate::reply::Family;
use crate::{Headers, Host, HostError, Reply};

// === impl Exchange ===

impl Exchange {
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
        if let Some(query) = list
            && status == "200"
            && !last
            && is_json(&headers)
        {
            let list = ListStream::new(
                query,
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
