//! ECDS: the filter's code and configuration, and what changes often.
//!
//! Requests go through one plugin, which never changes. The document comes by another that
//! has the filter's code and VM: its root context hands it to the filter there, after Envoy
//! has tried it. What changes often (the clusters in parts, what is refused) comes by others, which have the
//! carrier's code, some hundred bytes (`filter/carrier`): Envoy wants the code with every
//! configuration, and the filter's has more than a megabyte.
//!
//! All of them but the first are in a listener that nobody can connect to ([`crate::listener`]).
//! For Envoy keeps a plugin with its whole configuration, several times over, until the last
//! stream ends that began under it, and a watch may last for days.
//!
//! The configuration is in ECDS and not in the listener, because a listener that
//! changes drains its connections. The code is a local file or inline, never a
//! remote fetch: Envoy lets requests pass unfiltered while it fetches.

use std::sync::Arc;

use cubegate_filter_config::{
    Carried, DOCUMENT_FILTER_NAME, FILTER_NAME, RevocationPart, TokenKeys,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3 as wasm;
use envoy_types::pb::google::protobuf::{BytesValue, StringValue};

use crate::{FilterModule, Resource, ResourceType, Snapshot, proto};

pub(crate) const TYPE_URL: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// Returns the filter that requests go through.
pub(crate) fn filter(module: &FilterModule, tokens: &TokenKeys) -> Resource {
    resource(FILTER_NAME, vm(module, tokens), None)
}

/// Returns what brings it this document.
pub(crate) fn document(module: &FilterModule, tokens: &TokenKeys, document: &str) -> Resource {
    let value = document.to_owned();
    let configuration = proto::pack_any(StringValue { value });
    resource(
        DOCUMENT_FILTER_NAME,
        vm(module, tokens),
        Some(configuration),
    )
}

/// Returns what brings it a document that changes often.
pub(crate) fn carried(kind: Carried, document: &[u8]) -> Resource {
    let value = kind.frame(document);
    let configuration = proto::pack_any(BytesValue { value });
    let code = proto::data_source::Specifier::InlineBytes(cubegate_carrier::MODULE.to_vec());
    let vm = wasm::VmConfig {
        code: Some(local(code)),
        ..machine()
    };
    // No stream goes through it, and one such message is some hundred bytes: it says what it must.
    let plugin = wasm::PluginConfig {
        root_id: kind.filter_name(),
        configuration: Some(configuration),
        failure_policy: wasm::FailurePolicy::FailReload as i32,
        vm: Some(wasm::plugin_config::Vm::VmConfig(vm)),
        ..Default::default()
    };
    in_resource(&kind.filter_name(), plugin)
}

/// Returns a part of what is refused, for [`Snapshot::insert_revocations`].
pub fn revocations(part: RevocationPart, document: &[u8]) -> Resource {
    // Whoever was locked out must not stay in because a cluster takes its time.
    carried(Carried::Revocations(part), document).standing_alone()
}

/// Returns the time, in Unix seconds, for [`Snapshot::insert_clock`].
pub fn clock(now: u64) -> Resource {
    carried(Carried::Clock, now.to_string().as_bytes()).standing_alone()
}

impl Snapshot {
    /// Puts in what time it is, in the place of an earlier time.
    pub fn insert_clock(&mut self, resource: Arc<Resource>) {
        self.insert_shared(
            ResourceType::ExtensionConfig,
            Carried::Clock.filter_name(),
            resource,
        );
    }

    /// Puts a part of what is refused in, in the place of an earlier version.
    pub fn insert_revocations(&mut self, part: RevocationPart, resource: Arc<Resource>) {
        self.insert_shared(ResourceType::ExtensionConfig, part.filter_name(), resource);
    }
}

fn resource(name: &str, vm: wasm::VmConfig, configuration: Option<proto::Any>) -> Resource {
    let plugin = wasm::PluginConfig {
        name: name.to_owned(),
        root_id: name.to_owned(),
        configuration,
        failure_policy: wasm::FailurePolicy::FailReload as i32,
        allow_on_headers_stop_iteration: proto::yes(),
        vm: Some(wasm::plugin_config::Vm::VmConfig(vm)),
        ..Default::default()
    };
    in_resource(name, plugin)
}

fn in_resource(name: &str, plugin: wasm::PluginConfig) -> Resource {
    Resource::new(&proto::TypedExtensionConfig {
        name: name.to_owned(),
        typed_config: Some(proto::pack_any(Wasm {
            config: Some(plugin),
        })),
    })
}

/// Returns the filter's VM. It must be the same for all plugins that share it.
fn vm(module: &FilterModule, tokens: &TokenKeys) -> wasm::VmConfig {
    let code = match module {
        FilterModule::File(path) => proto::data_source::Specifier::Filename(path.clone()),
        FilterModule::Inline(bytes) => {
            proto::data_source::Specifier::InlineBytes(bytes.as_ref().clone())
        }
    };
    let host_env_keys = match tokens {
        TokenKeys::Hs256 { secret_env } => vec![secret_env.clone()],
        TokenKeys::Ed25519 { .. } => Vec::new(),
    };
    wasm::VmConfig {
        code: Some(local(code)),
        environment_variables: Some(wasm::EnvironmentVariables {
            host_env_keys,
            ..Default::default()
        }),
        ..machine()
    }
}

/// Returns what all our VMs have in common. Those of one id share their data.
fn machine() -> wasm::VmConfig {
    wasm::VmConfig {
        vm_id: FILTER_NAME.to_owned(),
        runtime: "envoy.wasm.runtime.v8".to_owned(),
        ..Default::default()
    }
}

fn local(specifier: proto::data_source::Specifier) -> proto::AsyncDataSource {
    proto::AsyncDataSource {
        specifier: Some(proto::async_data_source::Specifier::Local(
            proto::DataSource {
                specifier: Some(specifier),
                ..Default::default()
            },
        )),
    }
}
