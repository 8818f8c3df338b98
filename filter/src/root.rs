//! The plugin's root context: it is configured, and makes streams.

use std::time::Duration;

use cubegate_filter_config::{FILTER_NAME, FilterConfig};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::document::Kind;
use crate::stream::Stream;
use crate::worker;

/// How often a worker looks after its streams.
const TICK: Duration = Duration::from_secs(1);

/// One per plugin and configuration. Envoy keeps it while a stream lasts that began
/// under it, so it holds nothing.
///
/// What requests go through is a plugin without a configuration. The others of the same
/// VM bring the documents, each its own; no request goes through them.
pub(crate) struct Root;

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _trailers: usize) {
        worker::on_call_response(token, headers > 0, body);
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let root_id = hostcalls::get_property(vec!["plugin_root_id"]);
        let root_id = root_id.ok().flatten().unwrap_or_default();
        // One of a VM's root contexts: what it does at a tick is done for all.
        if root_id == FILTER_NAME.as_bytes() {
            self.set_tick_period(TICK);
        }
        if size == 0 {
            return true;
        }
        // Before it is copied in: what does not fit must not take the VM down.
        if let Err(error) = FilterConfig::check_size(size) {
            log::error!("the configuration is refused: {error}");
            return false;
        }
        let kind = Kind::of_root(&root_id);
        if !worker::has_room(kind.bytes_per_byte(), size) {
            return worker::pass_over(kind);
        }
        match self.get_plugin_configuration() {
            Some(document) => worker::offer(kind, document),
            None => false,
        }
    }

    fn on_tick(&mut self) {
        worker::tick();
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        let (gateway, meters) = worker::gateway();
        Some(Box::new(Stream::new(context_id, gateway, &meters)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
