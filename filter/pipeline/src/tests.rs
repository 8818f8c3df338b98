//! Whole exchanges on a host that a test writes down.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cubegate_filter_config::{AUDIT_PROPERTY, AuditNote, Epochs, Sessions};
use cubegate_token::{Claims, Ed25519Signer, Signer, testing};

use crate::{
    Call, CompileError, Exchange, Flow, Gateway, Headers, Host, HostError, Members, Meters, Reply,
    Revocations,
};

mod audit;
mod basic;
mod browsers;
mod compression;
mod cors;
mod follow_ups;
mod impersonation;
mod kubesphere;
mod lists;
mod misplaced;
mod mock_host;
mod outages;
mod paths;
mod push_down;
mod refusals;
mod requests;
mod reviews;
mod revocation;
mod scopes;
mod silence;
mod streams;
mod tables;
mod throttle;

const NOW: u64 = 1_700_000_000;

/// A proxy that remembers what it was told.
#[derive(Default)]
struct MockHost {
    request: RefCell<Headers>,
    request_body: RefCell<Vec<u8>>,
    response: RefCell<Headers>,
    local_answer: Cell<bool>,
    connection_gone: Cell<bool>,
    http_1_0: Cell<bool>,
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
    line: RefCell<Vec<String>>,
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

    fn steady_micros(&self) -> u64 {
        self.now() * 1_000_000
    }

    fn request_headers(&self) -> Result<Headers, HostError> {
        Ok(self.request.borrow().clone())
    }

    fn is_http_1_0(&self) -> bool {
        self.http_1_0.get()
    }

    fn request_body(&self, size: usize) -> Result<Vec<u8>, HostError> {
        let body = self.request_body.borrow();
        assert_eq!(size, body.len());
        Ok(body.clone())
    }

    fn drop_request_body(&self) -> Result<(), HostError> {
        self.request_body.borrow_mut().clear();
        Ok(())
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
            counted: None,
        }));
        Ok(())
    }

    fn leave(&self, name: &str, value: &[u8]) {
        if name == AUDIT_PROPERTY {
            self.note.replace(AuditNote::from_json(value));
            self.line.take();
            return;
        }
        let value = String::from_utf8(value.to_vec()).unwrap();
        let field = name.trim_start_matches("cubegate_");
        self.line.borrow_mut().push(format!("{field}={value}"));
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
    Headers::of(pairs)
}

fn claims(user: &str, groups: &[&str]) -> Claims {
    Claims {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..testing::claims(user, NOW)
    }
}

/// This is refused from now on, and nothing else.
fn refuse(revocations: &Revocations, change: impl FnOnce(&mut Epochs, &mut Sessions)) {
    let (mut epochs, mut sessions) = (Epochs::default(), Sessions::default());
    change(&mut epochs, &mut sessions);
    for (part, document) in epochs.to_parts() {
        revocations.take_part(part, document).unwrap();
    }
    for (part, document) in sessions.to_parts(usize::MAX).0 {
        revocations.take_part(part, document).unwrap();
    }
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
              "clusters":{{"pivot-cluster":{{"upstream":"cluster/p",
              "authority":"10.0.0.1:6443","path_prefix":"/base"}}}},"audit":true,"line":"fields","limits":{limits}}}"#,
            signer.kid()
        );
        let none = Revocations::default();
        refuse(&none, |_, _| {});
        let gateway = Gateway::compile(
            document.as_bytes(),
            |_| None,
            None,
            &none,
            &Members::default(),
            &Meters::default(),
        )
        .unwrap();
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

    /// This is refused from now on, and nothing else.
    fn refuse(&self, change: impl FnOnce(&mut Epochs, &mut Sessions)) {
        refuse(self.gateway.revocations(), change);
    }

    /// The configuration after a push of this one.
    fn compile(&self, document: &str) -> Result<Gateway, CompileError> {
        let previous = &self.gateway;
        Gateway::compile(
            document.as_bytes(),
            |_| None,
            Some(previous),
            previous.revocations(),
            &Members::default(),
            &previous.answers.meters,
        )
    }

    /// Sends a request; says what the exchange is now and what the host saw.
    fn send(&self, method: &str, path: &str, more: &[(&str, &str)]) -> (Exchange, MockHost, Flow) {
        let host = MockHost::default();
        let (exchange, flow) = self.send_on(&host, method, path, more);
        (exchange, host, flow)
    }

    /// The same on this host.
    fn send_on(
        &self,
        host: &MockHost,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
    ) -> (Exchange, Flow) {
        let mut request = headers(&[
            (":method", method),
            (":path", path),
            (":authority", "gateway:30443"),
        ]);
        for (name, value) in more {
            request.add(name, *value);
        }
        host.request.replace(request);
        let mut exchange = Exchange::new(Some(Rc::clone(&self.gateway)), &Meters::default());
        let flow = exchange.on_request_headers(host, true);
        (exchange, flow)
    }

    /// The same as `jeff` with a good token.
    fn send_as_jeff(&self, method: &str, path: &str) -> (Exchange, MockHost, Flow) {
        let bearer = format!("Bearer {}", self.token("jeff", &["kubecube"]));
        self.send(method, path, &[("authorization", &bearer)])
    }
}
