//! Whole exchanges on a host that a test writes down.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cubegate_filter_config::{AuditNote, Epochs, Sessions};
use cubegate_token::{Claims, Ed25519Signer, Signer};

use crate::{
    Call, CompileError, Exchange, Flow, Gateway, Headers, Host, HostError, Reply, Revocations,
};

mod audit;
mod basic;
mod browsers;
mod compression;
mod cors;
mod follow_ups;
mod kapis;
mod lists;
mod paths;
mod push_down;
mod requests;
mod revocation;
mod scopes;
mod streams;
mod tables;
mod throttle;

const NOW: u64 = 1_700_000_000;

/// A proxy that remembers what it was told.
#[derive(Default)]
struct MockHost {
    request: RefCell<Headers>,
    response: RefCell<Headers>,
    local_answer: Cell<bool>,
    connection_gone: Cell<bool>,
    chunk: RefCell<Vec<u8>>,
    /// What has gone out to the client after the exchange saw it.
    body: RefCell<Vec<u8>>,
    reply: RefCell<Option<Reply>>,
    /// The calls so far; a call's token is its place here, and 100.
    calls: RefCell<Vec<Call>>,
    /// How often the held request was let go on.
    resumed: Cell<u32>,
    /// No call can be made.
    unreachable: Cell<bool>,
    /// The answer of the call whose callback runs.
    call_answer: RefCell<(Headers, Vec<u8>)>,
    /// Seconds after [`NOW`].
    late: Cell<u64>,
    note: RefCell<Option<AuditNote>>,
    /// The proxy's number of it.
    stream: Cell<u32>,
}

const FIRST_TOKEN: u32 = 100;

impl Host for MockHost {
    fn stream(&self) -> u32 {
        self.stream.get()
    }

    fn now(&self) -> u64 {
        NOW + self.late.get()
    }

    fn now_micros(&self) -> u64 {
        self.now() * 1_000_000
    }

    fn request_headers(&self) -> Result<Headers, HostError> {
        Ok(self.request.borrow().clone())
    }

    fn set_request_headers(&self, headers: &Headers) -> Result<(), HostError> {
        self.request.replace(headers.clone());
        Ok(())
    }

    fn response_headers(&self) -> Result<Headers, HostError> {
        Ok(self.response.borrow().clone())
    }

    fn set_response_header(&self, name: &str, value: Option<&str>) -> Result<(), HostError> {
        match value {
            Some(value) => self.response.borrow_mut().set(name, value),
            None => self.response.borrow_mut().remove(name),
        }
        Ok(())
    }

    fn is_upstream_answer(&self) -> bool {
        !self.local_answer.get()
    }

    fn is_connection_gone(&self) -> bool {
        self.connection_gone.get()
    }

    fn response_chunk(&self, size: usize) -> Result<Vec<u8>, HostError> {
        let chunk = self.chunk.borrow();
        assert_eq!(size, chunk.len());
        Ok(chunk.clone())
    }

    fn replace_response_chunk(&self, bytes: &[u8]) -> Result<(), HostError> {
        self.chunk.replace(bytes.to_vec());
        Ok(())
    }

    fn call(&self, call: &Call) -> Result<u32, HostError> {
        if self.unreachable.get() {
            return Err(HostError {
                call: "call",
                status: 2,
            });
        }
        self.calls.borrow_mut().push(call.clone());
        Ok(FIRST_TOKEN + u32::try_from(self.calls.borrow().len()).unwrap() - 1)
    }

    fn resume_request(&self) -> Result<(), HostError> {
        self.resumed.set(self.resumed.get() + 1);
        Ok(())
    }

    fn call_headers(&self) -> Result<Headers, HostError> {
        Ok(self.call_answer.borrow().0.clone())
    }

    fn call_body(&self, size: usize) -> Result<Vec<u8>, HostError> {
        let answer = self.call_answer.borrow();
        assert_eq!(size, answer.1.len());
        Ok(answer.1.clone())
    }

    fn reply(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<(), HostError> {
        assert!(self.reply.borrow().is_none(), "a second reply");
        self.reply.replace(Some(Reply {
            status,
            headers: headers.to_vec(),
            body: body.to_vec(),
        }));
        Ok(())
    }

    fn note(&self, note: &AuditNote) {
        self.note.replace(Some(note.clone()));
    }

    fn log_debug(&self, _message: &str) {}
}

/// A gateway with one cluster, and the means to sign for it.
struct World {
    gateway: Rc<Gateway>,
    signer: Rc<Signer>,
    document: String,
}

fn headers(pairs: &[(&str, &str)]) -> Headers {
    Headers::new(
        pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()))
            .collect(),
    )
}

fn claims(user: &str, groups: &[&str]) -> Claims {
    Claims {
        user: user.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        access_key: None,
        key_epoch: None,
        scope: None,
        limits: None,
        session: None,
        generation: None,
        authenticated_at: None,
        epoch: None,
        id: None,
        issued_at: NOW - 10,
        expires_at: NOW + 3_600,
    }
}

/// This is refused, and nothing else.
fn revocations(epochs: &Epochs, sessions: &Sessions) -> Revocations {
    let revocations = Revocations::default();
    revocations.take(epochs.to_bytes()).unwrap();
    revocations.take(sessions.to_bytes(usize::MAX).0).unwrap();
    revocations
}

impl World {
    fn new() -> Self {
        Self::with_limits("{}")
    }

    fn with_limits(limits: &str) -> Self {
        let signer = Ed25519Signer::generate("cubegate");
        let hex: String = signer
            .public_key_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let document = format!(
            r#"{{"version":1,"tokens":{{"ed25519":{{"issuer":"cubegate","keys":{{"{}":"{hex}"}}}}}},
              "clusters":{{"pivot-cluster":{{"upstream":"cluster/p","upgrade_upstream":"cluster/p/http1",
              "authority":"10.0.0.1:6443","path_prefix":"/base"}}}},"limits":{limits}}}"#,
            signer.kid()
        );
        let none = revocations(&Epochs::default(), &Sessions::default());
        let gateway = Gateway::compile(document.as_bytes(), |_| None, None, &none).unwrap();
        Self {
            gateway: Rc::new(gateway),
            signer: Rc::new(Signer::Ed25519(Box::new(signer))),
            document,
        }
    }

    fn token(&self, user: &str, groups: &[&str]) -> String {
        self.sign(&claims(user, groups))
    }

    fn sign(&self, claims: &Claims) -> String {
        self.signer.sign(claims).unwrap()
    }

    /// The same gateway after a push of this member of its configuration.
    fn push(&self, name: &str, value: &str) -> Self {
        let document = self
            .document
            .replacen('{', &format!("{{\"{name}\":{value},"), 1);
        let gateway = self.compile(&document).unwrap();
        Self {
            gateway: Rc::new(gateway),
            signer: self.signer.clone(),
            document: self.document.clone(),
        }
    }

    /// The configuration after a push of this one.
    fn compile(&self, document: &str) -> Result<Gateway, CompileError> {
        let previous = &self.gateway;
        Gateway::compile(
            document.as_bytes(),
            |_| None,
            Some(previous),
            previous.revocations(),
        )
    }

    /// Sends a request; says what the exchange is now and what the host saw.
    fn send(&self, method: &str, path: &str, more: &[(&str, &str)]) -> (Exchange, MockHost, Flow) {
        let host = MockHost::default();
        let mut request = headers(&[
            (":method", method),
            (":path", path),
            (":authority", "gateway:30443"),
        ]);
        for (name, value) in more {
            request.add(name, *value);
        }
        host.request.replace(request);
        let mut exchange = Exchange::new(Some(Rc::clone(&self.gateway)));
        let flow = exchange.on_request_headers(&host);
        (exchange, host, flow)
    }

    /// The same as `jeff` with a good token.
    fn send_as_jeff(&self, method: &str, path: &str) -> (Exchange, MockHost, Flow) {
        let bearer = format!("Bearer {}", self.token("jeff", &["kubecube"]));
        self.send(method, path, &[("authorization", &bearer)])
    }
}

impl MockHost {
    fn request_header(&self, name: &str) -> Option<String> {
        self.request.borrow().get_str(name).map(str::to_owned)
    }

    /// The paths that were asked by calls so far.
    fn asked(&self) -> Vec<String> {
        let calls = self.calls.borrow();
        let path = |call: &Call| call.headers.get_str(":path").unwrap().to_owned();
        calls.iter().map(path).collect()
    }

    /// Answers a call.
    fn answer_call(&self, exchange: &mut Exchange, number: u32, status: &str, body: &str) {
        let head = headers(&[(":status", status), ("content-type", "application/json")]);
        self.call_answer.replace((head, body.as_bytes().to_vec()));
        exchange.on_call_response(self, FIRST_TOKEN + number, true, body.len());
    }

    /// What has been replied.
    fn page(&self) -> String {
        let reply = self.reply.borrow();
        let reply = reply.as_ref().expect("a reply");
        assert_eq!(reply.status, 200);
        String::from_utf8(reply.body.clone()).unwrap()
    }

    fn reply_header(&self, name: &str) -> Option<String> {
        let reply = self.reply.borrow();
        let mut headers = reply.as_ref().expect("a reply").headers.iter();
        headers
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.clone())
    }

    fn refusal(&self) -> (u16, String) {
        let reply = self.reply.borrow();
        let reply = reply.as_ref().expect("a reply");
        (reply.status, String::from_utf8(reply.body.clone()).unwrap())
    }

    /// Lets the upstream answer in these chunks, and returns what the client got:
    /// the reply's body, or what went through.
    fn answer(&self, exchange: &mut Exchange, head: &[(&str, &str)], chunks: &[&[u8]]) -> Vec<u8> {
        self.response.replace(headers(head));
        let mut flow = exchange.on_response_headers(self, chunks.is_empty());
        for (at, chunk) in chunks.iter().enumerate() {
            if self.reply.borrow().is_some() {
                break;
            }
            self.chunk.replace(chunk.to_vec());
            flow = exchange.on_response_body(self, chunk.len(), at + 1 == chunks.len());
            if flow == Flow::Pause {
                assert_eq!(
                    *self.chunk.borrow(),
                    b"",
                    "a held chunk stays in the proxy's buffer"
                );
            }
            self.body.borrow_mut().extend_from_slice(&self.chunk.take());
        }
        if let Some(reply) = self.reply.borrow().as_ref() {
            assert_eq!(flow, Flow::Pause);
            return reply.body.clone();
        }
        if !self.calls.borrow().is_empty() {
            assert_eq!(flow, Flow::Pause);
        }
        self.body.borrow().clone()
    }
}
