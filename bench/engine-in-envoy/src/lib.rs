//! A plugin of the benchmarks, never shipped: it runs the list engine in the
//! VM of a real Envoy and answers how long that took.
//!
//! ```text
//! GET /?runs=5&pods=5024 ──> makes the list, once a VM ──> runs ──> {"nanoseconds":[…],…}
//! ```
//!
//! It is built as the filter is (profile, target, SIMD), and the engine and the
//! list are those of the native benchmark. The answer is Envoy's local reply, so
//! no upstream, network or copy out of Envoy's buffers is in the figures.

#![expect(
    missing_docs,
    reason = "the SDK's macro exports a function without any"
)]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use cubegate_bench_workload::{CHUNK, PodList, QUERY, QueryError, page};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, MapType};
use serde_json::{Value, json};

/// More would hold the worker for longer than Envoy's watchdog likes.
const MOST_RUNS: usize = 20;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

thread_local! {
    /// The list of this VM, with the number of its pods.
    static LIST: RefCell<Option<(usize, Rc<Vec<u8>>)>> = const { RefCell::new(None) };
}

struct Root;

struct Stream;

impl Context for Root {}

impl RootContext for Root {
    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, _end: bool) -> Action {
        // As bytes: the text variant panics on what is no UTF-8.
        let path = hostcalls::get_map_value_bytes(MapType::HttpRequestHeaders, ":path");
        let path = path.ok().flatten().unwrap_or_default();
        let path = String::from_utf8_lossy(&path);
        let runs = parameter(&path, "runs").unwrap_or(1).clamp(1, MOST_RUNS);
        let pods = parameter(&path, "pods").unwrap_or(PodList::default().pods);
        let (status, answer) = match measure(pods, runs) {
            Ok(answer) => (200, answer),
            Err(error) => (500, json!({ "error": error.to_string() })),
        };
        let headers = vec![("content-type", "application/json")];
        let body = answer.to_string();
        if let Err(status) = hostcalls::send_http_response(status, headers, Some(body.as_bytes())) {
            log::error!("the figures cannot be sent: {status:?}");
        }
        Action::Pause
    }
}

/// The page again and again; how long each took, and the last one's bytes.
fn measure(pods: usize, runs: usize) -> Result<Value, QueryError> {
    let list = list(pods);
    let mut nanoseconds = Vec::with_capacity(runs);
    let mut bytes = 0;
    for _ in 0..runs {
        let began = Instant::now();
        let page = page(QUERY, &list, CHUNK)?;
        nanoseconds.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        bytes = page.len();
    }
    Ok(json!({
        "nanoseconds": nanoseconds,
        "list_bytes": list.len(),
        "page_bytes": bytes,
        "simd128": cfg!(target_feature = "simd128"),
    }))
}

fn list(pods: usize) -> Rc<Vec<u8>> {
    LIST.with_borrow_mut(|kept| match kept {
        Some((of, list)) if *of == pods => Rc::clone(list),
        _ => {
            // The old list goes before the new one comes: the VM never gives memory back.
            *kept = None;
            let list = Rc::new(PodList::of(pods).to_json());
            *kept = Some((pods, Rc::clone(&list)));
            list
        }
    })
}

fn parameter(path: &str, name: &str) -> Option<usize> {
    let (_, query) = path.split_once('?')?;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(each, _)| *each == name)
        .and_then(|(_, value)| value.parse().ok())
}
