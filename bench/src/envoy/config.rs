//! The configurations: that of the engine alone, and the shipped one with
//! listeners beside it that have no filter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_filter_config::{
    ClusterEntry, DOCUMENT_FILTER_NAME, FILTER_NAME, FilterConfig, FilterLimits, LineForm,
    RevocationKind, TokenKeys, VERSION,
};
use cubegate_tests::artifacts::{self, Artifacts};
use cubegate_tests::gateway::free_port;
use cubegate_tests::http2_upstream::Http2Upstream;
use cubegate_tests::static_envoy::{Config, address, at};
use serde_json::{Value, json};

use super::logs::Sink;

/// The shared secret of the tokens, of use for nothing else.
pub const SECRET: &str = "the benchmarks' own secret";
/// The name of the member cluster in paths.
pub const CLUSTER: &str = "member-1";
/// TLS and the filter, as shipped.
pub const FILTERED: &str = "filtered";
/// TLS, and the router alone.
pub const BARE: &str = "bare";
/// TLS, and what Envoy has itself for what the filter does with a token and a path.
pub const JWT_AUTHN: &str = "jwt-authn";
/// The two without TLS towards the client.
pub const FILTERED_PLAIN: &str = "filtered-plain";
/// See [`FILTERED_PLAIN`].
pub const BARE_PLAIN: &str = "bare-plain";

/// The variable by which the filter finds [`SECRET`].
const SECRET_VARIABLE: &str = "BENCH_SECRET";
pub(super) const CONNECTION_MANAGER: &str = "/filter_chains/0/filters/0/typed_config";

/// One listener that answers with what the engine's plugin says.
///
/// # Errors
/// A plugin that was not built.
pub fn engine() -> Result<Config> {
    let plugin = artifacts::target().join("wasm32-wasip1/filter/cubegate_bench_engine.wasm");
    ensure!(
        plugin.is_file(),
        "the plugin is not at {}; run: make bench",
        plugin.display()
    );
    let (listen, admin) = (free_port()?, free_port()?);
    let wasm = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": "bench",
            "vm_config": { "runtime": "envoy.wasm.runtime.v8", "code": { "local": { "filename": plugin } } },
        },
    });
    let router =
        json!({ "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "engine",
        "http_filters": [{ "name": "engine", "typed_config": wasm }, { "name": "router", "typed_config": router }],
        "route_config": { "virtual_hosts": [{
            "name": "engine",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 404 } }],
        }] },
    });
    let document = json!({
        "admin": { "address": address(admin) },
        "static_resources": { "listeners": [{
            "name": "engine",
            "address": address(listen),
            "filter_chains": [{ "filters": [{ "name": "http", "typed_config": manager }] }],
        }] },
    });
    Ok(Config {
        document,
        admin: format!("http://127.0.0.1:{admin}"),
        bases: BTreeMap::from([("engine", format!("http://127.0.0.1:{listen}"))]),
    })
}

/// `envoy/static.yaml` before this upstream, with four listeners beside its
/// own: what is compared differs in the filter and nothing else. The
/// certificate of those with TLS is `listener.crt` of the folder. All write both logs.
///
/// # Errors
/// A shipped file of another form.
pub fn gateway(dir: &Path, upstream: &Http2Upstream, logs: &Sink) -> Result<Config> {
    let text = fs::read_to_string(artifacts::root().join("envoy/static.yaml"))?;
    let text = text.replace("/etc/cubegate", &dir.display().to_string());
    let mut document: Value = serde_saphyr::from_str(&text)?;
    for name in ["listener", "member-client"] {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        fs::write(dir.join(format!("{name}.crt")), made.cert.pem())?;
        fs::write(
            dir.join(format!("{name}.key")),
            made.signing_key.serialize_pem(),
        )?;
    }
    fs::write(dir.join("member-ca.crt"), upstream.certificate())?;

    let admin = free_port()?;
    *at(&mut document, "/admin/address")? = address(admin);
    for cluster in 0..2 {
        let endpoint = format!(
            "/static_resources/clusters/{cluster}/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address"
        );
        *at(&mut document, &endpoint)? = address(upstream.address().port());
    }
    let mut filtered = at(&mut document, "/static_resources/listeners/0")?.take();
    configure_filter(&mut filtered, upstream)?;

    let mut bases = BTreeMap::new();
    let mut listeners = Vec::new();
    for name in [FILTERED, BARE, JWT_AUTHN, FILTERED_PLAIN, BARE_PLAIN] {
        let port = free_port()?;
        let mut listener = filtered.clone();
        *at(&mut listener, "/name")? = json!(name);
        *at(&mut listener, "/address")? = address(port);
        if name != FILTERED && name != FILTERED_PLAIN {
            remove_filter(&mut listener)?;
        }
        if name == JWT_AUTHN {
            add_jwt_authn(&mut listener)?;
        }
        let plain = name == FILTERED_PLAIN || name == BARE_PLAIN;
        if plain && let Some(chain) = at(&mut listener, "/filter_chains/0")?.as_object_mut() {
            chain
                .remove("transport_socket")
                .context("no TLS to remove")?;
        }
        listeners.push(listener);
        let scheme = if plain { "http" } else { "https" };
        bases.insert(name, format!("{scheme}://127.0.0.1:{port}"));
    }
    *at(&mut document, "/static_resources/listeners")? = Value::Array(listeners);
    logs.put(&mut document, dir)?;
    Ok(Config {
        document,
        admin: format!("http://127.0.0.1:{admin}"),
        bases,
    })
}

/// The filter that was built, with tokens that the benchmarks can make.
fn configure_filter(listener: &mut Value, upstream: &Http2Upstream) -> Result<()> {
    // All of them are in one VM.
    for filter in 0..filters().count() {
        let vm = at(
            listener,
            &format!("{CONNECTION_MANAGER}/http_filters/{filter}/typed_config/config/vm_config"),
        )?;
        *at(vm, "/code/local/filename")? = json!(Artifacts::find()?.filter);
        if let Some(vm) = vm.as_object_mut() {
            vm.insert(
                "environment_variables".to_owned(),
                json!({ "key_values": { SECRET_VARIABLE: SECRET } }),
            );
        }
    }
    let cluster = ClusterEntry {
        upstream: format!("cluster/{CLUSTER}"),
        upgrade_upstream: Some(format!("cluster/{CLUSTER}/http1")),
        authority: upstream.address().to_string(),
        path_prefix: String::new(),
        any_path: false,
        resources: BTreeMap::new(),
    };
    let filters = at(listener, &format!("{CONNECTION_MANAGER}/http_filters"))?;
    let filter = filters
        .as_array_mut()
        .and_then(|all| {
            all.iter_mut()
                .find(|one| is_called(one, DOCUMENT_FILTER_NAME))
        })
        .context("envoy/static.yaml has no filter any more")?;
    let document = at(filter, "/typed_config/config/configuration/value")?;
    let shipped: Value = serde_json::from_str(document.as_str().unwrap_or_default())?;
    let pass = shipped.get("pass").and_then(Value::as_str);
    let config = FilterConfig {
        version: VERSION,
        pass: pass.context("the shipped filter has no pass")?.to_owned(),
        tokens: TokenKeys::Hs256 {
            secret_env: SECRET_VARIABLE.to_owned(),
        },
        clusters: BTreeMap::from([(CLUSTER.to_owned(), cluster)]),
        clusters_apart: false,
        host_cluster: None,
        cors_origins: BTreeSet::new(),
        no_impersonation: false,
        no_host_paths: false,
        audit: true,
        line: LineForm::Words,
        limits: FilterLimits::default(),
    };
    *document = json!(config.to_json()?);
    Ok(())
}

/// The names of our filters, in the order of the file.
fn filters() -> impl Iterator<Item = &'static str> {
    let carriers = RevocationKind::ALL.map(RevocationKind::filter_name);
    carriers
        .into_iter()
        .chain([DOCUMENT_FILTER_NAME, FILTER_NAME])
}

fn is_called(filter: &Value, name: &str) -> bool {
    filter.get("name").and_then(Value::as_str) == Some(name)
}

/// The filter goes, and with it the header by which the routes choose.
fn remove_filter(listener: &mut Value) -> Result<()> {
    let manager = at(listener, CONNECTION_MANAGER)?;
    if let Some(filters) = at(manager, "/http_filters")?.as_array_mut() {
        filters.retain(|filter| !self::filters().any(|name| is_called(filter, name)));
    }
    *at(manager, "/route_config/virtual_hosts/0/routes")? = json!([{
        "match": { "prefix": "/" },
        "route": { "cluster": format!("cluster/{CLUSTER}"), "timeout": "75s" },
    }]);
    Ok(())
}

/// Envoy's own filter for tokens, which it takes out, and a route that takes the cluster out of the
/// path.
fn add_jwt_authn(listener: &mut Value) -> Result<()> {
    let key = json!({ "kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET) });
    let filter = json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": { "bench": {
                "local_jwks": { "inline_string": json!({ "keys": [key] }).to_string() },
                "claim_to_headers": [{ "header_name": "impersonate-user", "claim_name": "username" }],
            } },
            "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "bench" } }],
        },
    });
    let manager = at(listener, CONNECTION_MANAGER)?;
    let filters = at(manager, "/http_filters")?.as_array_mut();
    filters.context("no filters")?.insert(0, filter);
    let route = at(manager, "/route_config/virtual_hosts/0/routes/0")?;
    *at(route, "/match/prefix")? = json!(format!("/clusters/{CLUSTER}/"));
    if let Some(action) = at(route, "/route")?.as_object_mut() {
        action.insert("prefix_rewrite".to_owned(), json!("/"));
    }
    if let Some(route) = route.as_object_mut() {
        let header = json!({ "key": "impersonate-group", "value": "system:authenticated" });
        route.insert(
            "request_headers_to_add".to_owned(),
            json!([{ "header": header }]),
        );
    }
    Ok(())
}
