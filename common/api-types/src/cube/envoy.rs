//! The gateway's Envoys (`/api/v1/cube/envoys`), for administrators.

use serde::{Deserialize, Serialize};

/// Answer of `GET /envoys`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnvoyList {
    /// By name.
    pub items: Vec<EnvoyItem>,
    /// How many there are.
    pub total: usize,
}

/// One Envoy that is connected to a control plane.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EnvoyItem {
    /// Its name, `node.id` of its bootstrap and certificate.
    pub name: String,
    /// Its version, such as `1.40.0`; empty if it did not say.
    pub version: String,
    /// Where it calls from, IP address and port, if that is known.
    pub address: Option<String>,
    /// When its stream began, RFC 3339.
    pub connected_at: String,
    /// Whether it has answered every change that was made until now.
    pub up_to_date: bool,
    /// What it has accepted last of each type of resource.
    pub accepted: Vec<EnvoyAccepted>,
    /// What it refuses now, and why; at most the first 100 resources.
    pub refused: Vec<EnvoyRefused>,
    /// How many resources it refuses now.
    pub refused_total: usize,
}

/// The resources of one type that an Envoy has accepted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EnvoyAccepted {
    /// The type in Envoy's API, such as `Cluster`.
    pub kind: String,
    /// A digest over all of them: Envoys with the same one have the same resources.
    pub version: String,
    /// How many there are.
    pub resources: usize,
    /// When the Envoy said so, RFC 3339.
    pub at: String,
}

/// A resource that an Envoy refuses; it keeps the former one, if there was one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EnvoyRefused {
    /// The type in Envoy's API.
    pub kind: String,
    /// The resource.
    pub name: String,
    /// Why, in Envoy's words.
    pub reason: String,
}
