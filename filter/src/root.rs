//! The plugin's root context: it compiles a configuration and makes streams.

use std::rc::Rc;

use cubegate_filter_config::RevocationKind;
use cubegate_pipeline::{Gateway, Revocations};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::stream::Stream;

thread_local! {
    /// The configuration in use in this VM. A new root context of the same VM
    /// takes from it what stays valid; see [`Gateway::compile`].
    static IN_USE: std::cell::RefCell<Option<Rc<Gateway>>> = const { std::cell::RefCell::new(None) };

    /// What is refused in this VM. It comes by filters of their own, whose root contexts
    /// are in the same VM, before or after the configuration.
    static REVOCATIONS: Revocations = Revocations::default();
}

/// One per configuration pushed. A refused configuration leaves nothing, and Envoy keeps
/// the root context that it had.
#[derive(Default)]
pub(crate) enum Root {
    /// Not configured, or in vain.
    #[default]
    New,
    /// The filter itself.
    Filter(Rc<Gateway>),
    /// It carries what is refused, and lets every stream alone. It is in the chain all the
    /// same: only then does Envoy configure it again in a VM that takes the place of one
    /// that has failed.
    Carrier,
}

// === impl Root ===

impl Root {
    fn filter(document: &[u8]) -> Result<Self, String> {
        let previous = IN_USE.with_borrow(Clone::clone);
        let env = |name: &str| std::env::var(name).ok();
        let gateway = REVOCATIONS
            .with(|revocations| Gateway::compile(document, env, previous.as_deref(), revocations))
            .map_err(|error| format!("the configuration is refused: {error}"))?;
        log::info!("configured with {} clusters", gateway.cluster_count());
        let gateway = Rc::new(gateway);
        IN_USE.set(Some(Rc::clone(&gateway)));
        Ok(Self::Filter(gateway))
    }

    fn carrier(document: Vec<u8>) -> Result<Self, String> {
        let size = REVOCATIONS
            .with(|revocations| revocations.take(document))
            .map_err(|error| format!("the revocations are refused: {error}"))?;
        log::debug!("{size} bytes of revocations are in force");
        Ok(Self::Carrier)
    }

    /// Whether Envoy has this root for revocations.
    fn is_carrier() -> bool {
        let root_id = hostcalls::get_property(vec!["plugin_root_id"])
            .ok()
            .flatten();
        RevocationKind::ALL
            .into_iter()
            .any(|kind| root_id.as_deref() == Some(kind.filter_name().as_bytes()))
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let Some(document) = self.get_plugin_configuration() else {
            log::error!("the filter has no configuration; it must come with the plugin");
            return false;
        };
        let configured = match Self::is_carrier() {
            true => Self::carrier(document),
            false => Self::filter(&document),
        };
        match configured {
            Ok(root) => {
                *self = root;
                true
            }
            Err(error) => {
                log::error!("{error}");
                false
            }
        }
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        match self {
            Self::New => None,
            Self::Filter(gateway) => Some(Box::new(Stream::new(Rc::clone(gateway)))),
            Self::Carrier => Some(Box::new(Untouched)),
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// A stream of a filter that only carries something.
struct Untouched;

impl Context for Untouched {}

impl HttpContext for Untouched {}
