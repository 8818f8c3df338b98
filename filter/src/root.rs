//! The plugin's root context: it compiles a configuration and makes streams.

use std::rc::Rc;

use cubegate_pipeline::Gateway;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::stream::Stream;

thread_local! {
    /// The configuration in use in this VM. A new root context of the same VM
    /// takes from it what stays valid; see [`Gateway::compile`].
    static IN_USE: std::cell::RefCell<Option<Rc<Gateway>>> = const { std::cell::RefCell::new(None) };
}

/// One per configuration pushed. A refused configuration leaves `gateway` empty
/// and Envoy keeps the root context that it had.
#[derive(Default)]
pub(crate) struct Root {
    gateway: Option<Rc<Gateway>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let Some(document) = self.get_plugin_configuration() else {
            log::error!("the filter has no configuration; it must come with the plugin");
            return false;
        };
        let previous = IN_USE.with_borrow(Clone::clone);
        let env = |name: &str| std::env::var(name).ok();
        match Gateway::compile(&document, env, previous.as_deref()) {
            Ok(gateway) => {
                log::info!("configured with {} clusters", gateway.cluster_count());
                let gateway = Rc::new(gateway);
                IN_USE.set(Some(Rc::clone(&gateway)));
                self.gateway = Some(gateway);
                true
            }
            Err(error) => {
                log::error!("the configuration is refused: {error}");
                false
            }
        }
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        let gateway = self.gateway.clone()?;
        Some(Box::new(Stream::new(gateway)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
