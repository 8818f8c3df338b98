//! ECDS: the filter's code and configuration, and what is refused.
//!
//! The document and what is refused come as filters of their own, which have the filter's
//! code and VM: their root contexts hand it to the filter there. So what is refused can
//! change many times a second, and the table of clusters is neither sent nor read again
//! for it.
//!
//! The configuration is in ECDS and not in the listener, because a listener that
//! changes drains its connections. The code is a local file or inline, never a
//! remote fetch: Envoy lets requests pass unfiltered while it fetches.
//!
//! Requests go through one plugin, which never changes. The documents come by others,
//! disabled in the listener. For Envoy keeps a plugin with its whole configuration,
//! several times over, until the last stream ends that began under it, and a watch may
//! last for days.

use std::sync::Arc;

use cubegate_filter_config::{DOCUMENT_FILTER_NAME, FILTER_NAME, RevocationKind, TokenKeys};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3 as wasm;
use envoy_types::pb::google::protobuf::{BytesValue, StringValue};

use crate::{FilterModule, Resource, ResourceType, Snapshot, proto};

pub(crate) const TYPE_URL: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// Returns the filter that requests go through.
pub(crate) fn filter(module: &FilterModule, tokens: &TokenKeys) -> Resource {
    resource(FILTER_NAME, module, tokens, None)
}

/// Returns what brings it this document.
pub(crate) fn document(module: &FilterModule, tokens: &TokenKeys, document: String) -> Resource {
    let configuration = proto::pack_any(StringValue { value: document });
    resource(DOCUMENT_FILTER_NAME, module, tokens, Some(configuration))
}

/// Returns what is refused, for [`Snapshot::insert_revocations`]. `module` and `tokens` are those
/// of the state that the snapshot is made from.
pub fn revocations(
    kind: RevocationKind,
    module: &FilterModule,
    tokens: &TokenKeys,
    document: Vec<u8>,
) -> Resource {
    let configuration = proto::pack_any(BytesValue { value: document });
    // Whoever was locked out must not stay in because a cluster takes its time.
    resource(kind.filter_name(), module, tokens, Some(configuration)).standing_alone()
}

impl Snapshot {
    /// Puts in what is refused, in the place of an earlier version.
    pub fn insert_revocations(&mut self, kind: RevocationKind, resource: Arc<Resource>) {
        self.insert_shared(ResourceType::ExtensionConfig, kind.filter_name(), resource);
    }
}

fn resource(
    name: &str,
    module: &FilterModule,
    tokens: &TokenKeys,
    configuration: Option<proto::Any>,
) -> Resource {
    let plugin = wasm::PluginConfig {
        name: name.to_owned(),
        root_id: name.to_owned(),
        configuration,
        failure_policy: wasm::FailurePolicy::FailReload as i32,
        allow_on_headers_stop_iteration: proto::yes(),
        vm: Some(wasm::plugin_config::Vm::VmConfig(vm(module, tokens))),
        ..Default::default()
    };
    Resource::new(&proto::TypedExtensionConfig {
        name: name.to_owned(),
        typed_config: Some(proto::pack_any(Wasm {
            config: Some(plugin),
        })),
    })
}

/// It must be the same for all filters that share a VM.
fn vm(module: &FilterModule, tokens: &TokenKeys) -> wasm::VmConfig {
    let specifier = match module {
        FilterModule::File(path) => proto::data_source::Specifier::Filename(path.clone()),
        FilterModule::Inline(bytes) => {
            proto::data_source::Specifier::InlineBytes(bytes.as_ref().clone())
        }
    };
    let code = proto::AsyncDataSource {
        specifier: Some(proto::async_data_source::Specifier::Local(
            proto::DataSource {
                specifier: Some(specifier),
                ..Default::default()
            },
        )),
    };
    let host_env_keys = match tokens {
        TokenKeys::Hs256 { secret_env } => vec![secret_env.clone()],
        TokenKeys::Ed25519 { .. } => Vec::new(),
    };
    wasm::VmConfig {
        vm_id: FILTER_NAME.to_owned(),
        runtime: "envoy.wasm.runtime.v8".to_owned(),
        code: Some(code),
        environment_variables: Some(wasm::EnvironmentVariables {
            host_env_keys,
            ..Default::default()
        }),
        ..Default::default()
    }
}
