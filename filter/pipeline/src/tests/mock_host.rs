//! What a test looks at, and answers.

use super::*;

impl MockHost {
    pub(super) fn request_header(&self, name: &str) -> Option<String> {
        self.request.borrow().get_str(name).map(str::to_owned)
    }

    /// The paths that were asked by calls so far.
    pub(super) fn asked(&self) -> Vec<String> {
        let calls = self.calls.borrow();
        let path = |call: &Call| call.headers.get_str(":path").unwrap().to_owned();
        calls.iter().map(path).collect()
    }

    /// Answers a call.
    pub(super) fn answer_call(
        &self,
        exchange: &mut Exchange,
        number: u32,
        status: &str,
        body: &str,
    ) {
        let head = [(":status", status), ("content-type", "application/json")];
        self.answer_call_with(exchange, number, &head, body);
    }

    /// Answers a call with these headers.
    pub(super) fn answer_call_with(
        &self,
        exchange: &mut Exchange,
        number: u32,
        head: &[(&str, &str)],
        body: &str,
    ) {
        self.call_answer
            .replace((headers(head), body.as_bytes().to_vec()));
        exchange.on_call_response(self, FIRST_TOKEN + number, true, body.len());
    }

    /// What has been replied.
    pub(super) fn page(&self) -> String {
        let reply = self.reply.borrow();
        let reply = reply.as_ref().expect("a reply");
        assert_eq!(reply.status, 200);
        String::from_utf8(reply.body.clone()).unwrap()
    }

    pub(super) fn reply_header(&self, name: &str) -> Option<String> {
        let reply = self.reply.borrow();
        let mut headers = reply.as_ref().expect("a reply").headers.iter();
        headers
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.clone())
    }

    pub(super) fn refusal(&self) -> (u16, String) {
        let reply = self.reply.borrow();
        let reply = reply.as_ref().expect("a reply");
        (reply.status, String::from_utf8(reply.body.clone()).unwrap())
    }

    /// Lets the upstream answer in these chunks, and returns what the client got:
    /// the reply's body, or what went through.
    pub(super) fn answer(
        &self,
        exchange: &mut Exchange,
        head: &[(&str, &str)],
        chunks: &[&[u8]],
    ) -> Vec<u8> {
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
