//! ECDS: the filter's code and configuration.
//!
//! The configuration is in ECDS and not in the listener, because a listener that
//! changes drains its connections. The code is a local file or inline, never a
//! remote fetch: Envoy lets requests pass unfiltered while it fetches.

use cubegate_filter_config::TokenKeys;
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3 as wasm;
use envoy_types::pb::google::protobuf::StringValue;

use crate::{FilterModule, Resource, ResourceType, Snapshot, proto};

/// The name of the filter in the listener, which is the resource's name.
pub(crate) const FILTER_NAME: &str = "cubegate";

pub(crate) fn insert(
    snapshot: &mut Snapshot,
    module: &FilterModule,
    tokens: &TokenKeys,
    document: String,
) {
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
    let plugin = wasm::PluginConfig {
        name: FILTER_NAME.to_owned(),
        root_id: FILTER_NAME.to_owned(),
        configuration: Some(proto::pack_any(StringValue { value: document })),
        failure_policy: wasm::FailurePolicy::FailReload as i32,
        allow_on_headers_stop_iteration: proto::yes(),
        vm: Some(wasm::plugin_config::Vm::VmConfig(wasm::VmConfig {
            vm_id: FILTER_NAME.to_owned(),
            runtime: "envoy.wasm.runtime.v8".to_owned(),
            code: Some(code),
            environment_variables: Some(wasm::EnvironmentVariables {
                host_env_keys,
                ..Default::default()
            }),
            ..Default::default()
        })),
        ..Default::default()
    };
    let message = proto::TypedExtensionConfig {
        name: FILTER_NAME.to_owned(),
        typed_config: Some(proto::pack_any(Wasm {
            config: Some(plugin),
        })),
    };
    snapshot.insert(
        ResourceType::ExtensionConfig,
        FILTER_NAME,
        Resource::new(&message),
    );
}
