//! One HTTP stream: Envoy's callbacks, translated.

use std::rc::Rc;

use cubegate_pipeline::{Exchange, Flow, Gateway, Meters};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::envoy_host::EnvoyHost;

/// One request and its answer.
pub(crate) struct Stream {
    exchange: Exchange,
    host: EnvoyHost,
}

// === impl Stream ===

impl Stream {
    pub(crate) fn new(id: u32, gateway: Option<Rc<Gateway>>, meters: &Meters) -> Self {
        Self {
            exchange: Exchange::new(gateway, meters),
            host: EnvoyHost { stream: id },
        }
    }
}

impl Context for Stream {
    fn on_http_call_response(
        &mut self,
        token: u32,
        headers: usize,
        body_size: usize,
        _trailers: usize,
    ) {
        // Without headers there is no answer: the connection broke off, or the
        // body was larger than Envoy takes in.
        self.exchange
            .on_call_response(&self.host, token, headers > 0, body_size);
    }

    fn on_done(&mut self) -> bool {
        self.exchange.on_done(&self.host);
        true
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, end: bool) -> Action {
        let flow = self.exchange.on_request_headers(&self.host, end);
        // No callback comes for a body that is not there.
        if end && flow == Flow::Pause {
            return action(self.exchange.on_request_body(&self.host, 0, true));
        }
        action(flow)
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        action(self.exchange.on_request_body(&self.host, size, end))
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> Action {
        action(self.exchange.on_request_trailers(&self.host))
    }

    fn on_http_response_headers(&mut self, _headers: usize, end: bool) -> Action {
        action(self.exchange.on_response_headers(&self.host, end))
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        action(self.exchange.on_response_body(&self.host, size, end))
    }

    fn on_http_response_trailers(&mut self, _trailers: usize) -> Action {
        action(self.exchange.on_response_trailers(&self.host))
    }
}

fn action(flow: Flow) -> Action {
    match flow {
        Flow::Continue => Action::Continue,
        Flow::Pause => Action::Pause,
    }
}
