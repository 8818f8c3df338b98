//! What the pipeline needs from the proxy that it runs in.

use thiserror::Error;

use crate::{Call, Headers};

/// A call into the proxy failed. Nothing can be decided without it, so the
/// request is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the host call {call} failed with status {status}")]
pub struct HostError {
    /// The call.
    pub call: &'static str,
    /// The proxy-wasm status.
    pub status: u32,
}

/// One stream of the proxy: the calls that an [`Exchange`](crate::Exchange) makes.
pub trait Host {
    /// Returns the proxy's number of the stream, which no other stream of this worker has
    /// while it lasts.
    fn stream(&self) -> u32;

    /// Unix seconds, by which tokens end and answers are dated.
    fn now(&self) -> u64;

    /// Returns microseconds of a clock that nobody sets, by which everything is timed that begins
    /// and ends here: the time of day may jump by hours, and back.
    fn steady_micros(&self) -> u64;

    /// Returns the same in seconds.
    fn steady(&self) -> u64 {
        self.steady_micros() / 1_000_000
    }

    /// Returns all request headers, pseudo-headers included, values as bytes. Only to be
    /// called in the request phase.
    fn request_headers(&self) -> Result<Headers, HostError>;

    /// Returns whether the request came over HTTP/1.0. Only to be called in the request phase.
    fn is_http_1_0(&self) -> bool;

    /// Returns the request's body, of which this much is there and held. Only to be called
    /// in the callback that has said so.
    fn request_body(&self, size: usize) -> Result<Vec<u8>, HostError>;

    /// Empties what is there and held of the request's body. Only to be called in the callback
    /// that has said so.
    fn drop_request_body(&self) -> Result<(), HostError>;

    /// Replaces all request headers; the route is selected anew.
    fn set_request_headers(&self, headers: &Headers) -> Result<(), HostError>;

    /// Returns all response headers, pseudo-headers included.
    fn response_headers(&self) -> Result<Headers, HostError>;

    /// Sets one response header, or removes it.
    fn set_response_header(&self, name: &str, value: Option<&str>) -> Result<(), HostError>;

    /// Returns whether the answer comes from upstream and not from the proxy itself.
    fn is_upstream_answer(&self) -> bool;

    /// Returns whether the client's connection has ended before its answer had. Only to be called
    /// when the stream ends.
    fn is_connection_gone(&self) -> bool;

    /// Returns the bytes that arrived with this response-body callback.
    fn response_chunk(&self, size: usize) -> Result<Vec<u8>, HostError>;

    /// Puts `bytes` in the place of the chunk of this callback.
    fn replace_response_chunk(&self, bytes: &[u8]) -> Result<(), HostError>;

    /// Makes a call, and returns its token. Its answer comes with
    /// [`Exchange::on_call_response`](crate::Exchange::on_call_response), never
    /// before this callback has ended; a call whose exchange has ended goes on,
    /// and its answer is dropped.
    fn call(&self, call: &Call) -> Result<u32, HostError>;

    /// Lets a request go on whose headers were held; they go out as they are now.
    fn resume_request(&self) -> Result<(), HostError>;

    /// Returns all headers of the answer whose callback runs.
    fn call_headers(&self) -> Result<Headers, HostError>;

    /// Returns the body of the answer whose callback runs.
    fn call_body(&self, size: usize) -> Result<Vec<u8>, HostError>;

    /// Answers the client. At most once per exchange, and only while no response
    /// header has gone out.
    fn reply(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<(), HostError>;

    /// Leaves what only the filter knows with the proxy under this name, for the audit record and
    /// for its access line. Nobody else sees it.
    fn leave(&self, name: &str, value: &[u8]);

    /// Tells the operator something; never a token or a body.
    fn log_debug(&self, message: &str);
}
