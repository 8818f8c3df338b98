//! The calls into Envoy, all in one place.
//!
//! Header values are read as bytes throughout: the SDK's text variants panic on
//! bytes that are no UTF-8, and a client chooses those bytes.

use std::sync::OnceLock;
use std::time::{Duration, Instant, UNIX_EPOCH};

use cubegate_pipeline::{Call, Headers, Host, HostError, Reply};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, Status};

/// Envoy's response flag `DC`, bit 14 (`CoreResponseFlag` in its `stream_info.h`): the
/// client's connection was closed before the answer had ended.
const DOWNSTREAM_CONNECTION_TERMINATION: u64 = 1 << 14;

/// How many headers Envoy takes of a module, and how long they may be together, in bytes: a
/// little under what its host of modules reads (1,024 pairs, 1 MiB), which takes more
/// for none at all.
const MAX_HEADERS: usize = 1_000;
const MAX_HEADER_BYTES: usize = 1_000_000;

/// When this VM was first asked for the time, by both clocks. The steady one goes on from the time
/// of day, so that nothing ever was at its 0.
static BEGAN: OnceLock<(Instant, Option<Duration>)> = OnceLock::new();

/// The stream whose callback runs. Envoy knows by itself which one that is.
pub(crate) struct EnvoyHost {
    /// Envoy's number of it.
    pub(crate) stream: u32,
}

impl Host for EnvoyHost {
    fn stream(&self) -> u32 {
        self.stream
    }

    fn now(&self) -> u64 {
        now()
    }

    fn steady_micros(&self) -> u64 {
        steady_micros()
    }

    fn request_headers(&self) -> Result<Headers, HostError> {
        hostcalls::get_map_bytes(MapType::HttpRequestHeaders)
            .map(Headers::new)
            .map_err(failed("get request headers"))
    }

    fn is_http_1_0(&self) -> bool {
        // Envoy's attribute "request.protocol".
        matches!(
            hostcalls::get_property(vec!["request", "protocol"]),
            Ok(Some(protocol)) if protocol == b"HTTP/1.0"
        )
    }

    fn request_body(&self, size: usize) -> Result<Vec<u8>, HostError> {
        hostcalls::get_buffer(BufferType::HttpRequestBody, 0, size)
            .map(Option::unwrap_or_default)
            .map_err(failed("get request body"))
    }

    fn drop_request_body(&self) -> Result<(), HostError> {
        hostcalls::set_buffer(BufferType::HttpRequestBody, 0, usize::MAX, &[])
            .map_err(failed("empty request body"))
    }

    fn set_request_headers(&self, headers: &Headers) -> Result<(), HostError> {
        if headers.iter().count() > MAX_HEADERS || headers.size() > MAX_HEADER_BYTES {
            return Err(HostError {
                call: "set request headers",
                status: Status::BadArgument as u32,
            });
        }
        hostcalls::set_map_bytes(MapType::HttpRequestHeaders, headers.iter().collect())
            .map_err(failed("set request headers"))
    }

    fn response_headers(&self) -> Result<Headers, HostError> {
        hostcalls::get_map_bytes(MapType::HttpResponseHeaders)
            .map(Headers::new)
            .map_err(failed("get response headers"))
    }

    fn set_response_header(&self, name: &str, value: Option<&str>) -> Result<(), HostError> {
        hostcalls::set_map_value(MapType::HttpResponseHeaders, name, value)
            .map_err(failed("set response header"))
    }

    fn is_upstream_answer(&self) -> bool {
        // Envoy's attribute "response.code_details" names the origin of an answer.
        matches!(
            hostcalls::get_property(vec!["response", "code_details"]),
            Ok(Some(details)) if details == b"via_upstream"
        )
    }

    fn is_connection_gone(&self) -> bool {
        // Envoy's attribute "response.flags", 64 bits with the lowest byte first.
        let flags = hostcalls::get_property(vec!["response", "flags"]);
        let flags = flags.ok().flatten().and_then(|flags| flags.try_into().ok());
        flags.is_some_and(|flags| u64::from_le_bytes(flags) & DOWNSTREAM_CONNECTION_TERMINATION > 0)
    }

    fn response_chunk(&self, size: usize) -> Result<Vec<u8>, HostError> {
        hostcalls::get_buffer(BufferType::HttpResponseBody, 0, size)
            .map(Option::unwrap_or_default)
            .map_err(failed("get response body"))
    }

    fn replace_response_chunk(&self, bytes: &[u8]) -> Result<(), HostError> {
        hostcalls::set_buffer(BufferType::HttpResponseBody, 0, usize::MAX, bytes)
            .map_err(failed("set response body"))
    }

    fn call(&self, call: &Call) -> Result<u32, HostError> {
        dispatch(call)
    }

    fn resume_request(&self) -> Result<(), HostError> {
        hostcalls::resume_http_request().map_err(failed("resume the request"))
    }

    fn call_headers(&self) -> Result<Headers, HostError> {
        call_headers()
    }

    fn call_body(&self, size: usize) -> Result<Vec<u8>, HostError> {
        call_body(size)
    }

    fn reply(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<(), HostError> {
        reply(status, headers, body)
    }

    fn leave(&self, name: &str, value: &[u8]) {
        // The SDK panics on any status but "ok". Envoy gives another one only for a
        // property that a configuration has declared read-only, and none declares
        // these.
        if let Err(status) = hostcalls::set_property(vec![name], Some(value)) {
            log::debug!("{name} could not be left: {status:?}");
        }
    }

    fn log_debug(&self, message: &str) {
        log::debug!("{message}");
    }
}

/// Returns microseconds of a clock that nobody sets.
pub(crate) fn steady_micros() -> u64 {
    let (began, at) = *BEGAN.get_or_init(|| (Instant::now(), since_epoch()));
    let now = began.elapsed().saturating_add(at.unwrap_or_default());
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

/// Unix seconds. A clock that cannot be read makes every token expired, not valid.
pub(crate) fn now() -> u64 {
    since_epoch().map_or(u64::MAX, |since| since.as_secs())
}

/// Returns seconds of the clock that nobody sets.
pub(crate) fn steady() -> u64 {
    steady_micros() / 1_000_000
}

/// Nanoseconds since 1970, by which VMs are told apart; never 0.
pub(crate) fn now_nanos() -> u64 {
    since_epoch()
        .and_then(|since| u64::try_from(since.as_nanos()).ok())
        .map_or(u64::MAX, |nanos| nanos.max(1))
}

fn since_epoch() -> Option<Duration> {
    let now = hostcalls::get_current_time().ok()?;
    now.duration_since(UNIX_EPOCH).ok()
}

/// Makes a call, and returns its token.
pub(crate) fn dispatch(call: &Call) -> Result<u32, HostError> {
    // The SDK takes text alone. What says who asks is always text; of what is
    // the client's, a value that is not is left out.
    let headers = call
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name, std::str::from_utf8(value).ok()?)))
        .collect();
    let body = Some(call.body.as_slice()).filter(|body| !body.is_empty());
    // Envoy makes it from the root context, whichever context is in effect. So it does
    // not end with the stream, and its end comes to the SDK, which then forgets whose
    // it was, also when that stream is gone.
    hostcalls::dispatch_http_call(&call.cluster, headers, body, Vec::new(), call.timeout)
        .map_err(failed("dispatch an HTTP call"))
}

/// Returns the headers of the call whose answer has come.
pub(crate) fn call_headers() -> Result<Headers, HostError> {
    hostcalls::get_map_bytes(MapType::HttpCallResponseHeaders)
        .map(Headers::new)
        .map_err(failed("get a call's response headers"))
}

/// Returns so much of the body of the call whose answer has come.
pub(crate) fn call_body(size: usize) -> Result<Vec<u8>, HostError> {
    hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size)
        .map(Option::unwrap_or_default)
        .map_err(failed("get a call's response body"))
}

/// Ends a stream, wherever its answer is. Over HTTP/2 the client gets a reset, over
/// HTTP/1.1 and after an upgrade the connection ends.
pub(crate) fn end_stream(stream: u32) {
    // There is no other status than that there is no such stream any more.
    if hostcalls::set_effective_context(stream).is_err() {
        return;
    }
    // Envoy does it when this callback has ended.
    if let Err(status) = hostcalls::reset_http_response() {
        log::warn!("a stream could not be ended: {status:?}");
    }
}

/// Answers a stream whose callback does not run.
pub(crate) fn answer_stream(stream: u32, answer: &Reply) {
    // There is no other status than that there is no such stream any more.
    if hostcalls::set_effective_context(stream).is_err() {
        return;
    }
    // Envoy does it when this callback has ended.
    if let Err(error) = reply(answer.status, &answer.headers, &answer.body) {
        log::warn!("a stream could not be answered: {error}");
    }
}

fn reply(status: u16, headers: &[(String, String)], body: &[u8]) -> Result<(), HostError> {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    hostcalls::send_http_response(u32::from(status), headers, Some(body))
        .map_err(failed("send local response"))
}

fn failed(call: &'static str) -> impl Fn(Status) -> HostError {
    move |status| HostError {
        call,
        status: status as u32,
    }
}
