//! What a cluster has and what of it is used.

use cubegate_kube::quantity::Decimal;
use serde::Deserialize;
use serde::de::{DeserializeSeed as _, Deserializer};

use super::pages::Objects;
use super::{MemberClient, ReadError, within};

const MIB: u64 = 1024 * 1024;

/// Resources of one kind: what there is and what is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacity {
    /// What there is.
    pub total: u64,
    /// What of it is in use.
    pub used: u64,
}

/// A cluster, as far as the reader may see it: what it may not see counts as nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Nodes.
    pub nodes: u64,
    /// Namespaces.
    pub namespaces: u64,
    /// Thousandths of a core; used, as the metrics server measures, 0 without one.
    pub cpu: Capacity,
    /// MiB; used, likewise.
    pub memory: Capacity,
    /// MiB of persistent volumes; used are those that are bound.
    pub storage: Capacity,
    /// MiB of the nodes' own disks; how much is used is not known.
    pub ephemeral: Capacity,
    /// GPUs; used are those that pods ask for, which is not read here.
    pub gpu: Capacity,
}

/// What a cluster has, and what its pods ask for of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assigned {
    /// Thousandths of a core.
    pub cpu: Capacity,
    /// MiB.
    pub memory: Capacity,
    /// GPUs.
    pub gpu: Capacity,
}

/// Quantities, or sums of them, in thousandths of each one's unit. What else a cluster
/// counts is not kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Quantities {
    #[serde(deserialize_with = "milli")]
    cpu: u64,
    #[serde(deserialize_with = "milli")]
    memory: u64,
    #[serde(deserialize_with = "milli")]
    storage: u64,
    #[serde(rename = "ephemeral-storage", deserialize_with = "milli")]
    ephemeral: u64,
    /// The extended resource that KubeCube counts as GPU.
    #[serde(rename = "nvidia.com/gpu", deserialize_with = "milli")]
    gpu: u64,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    capacity: Option<Quantities>,
}

#[derive(Deserialize)]
struct NodeMetrics {
    #[serde(default)]
    usage: Quantities,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Volume {
    spec: VolumeSpec,
    status: Phase,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VolumeSpec {
    capacity: Option<Quantities>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Phase {
    phase: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pod {
    spec: PodSpec,
    status: Phase,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodSpec {
    /// What all of them ask for together.
    #[serde(deserialize_with = "requests")]
    containers: Quantities,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Container {
    resources: Resources,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: Option<Quantities>,
}

// === impl MemberClient ===

impl MemberClient {
    /// Returns what the cluster has.
    ///
    /// # Errors
    /// [`ReadError::Failed`] when it does not answer; a refusal counts as nothing.
    pub async fn inventory(&self) -> Result<Inventory, ReadError> {
        within(async {
            let (nodes, namespaces, volumes, usage) = tokio::join!(
                self.nodes(),
                self.count("/api/v1/namespaces"),
                self.volumes(),
                self.usage(),
            );
            let (nodes, capacity) = ReadError::or_default(nodes)?;
            let usage = ReadError::or_default(usage)?;
            Ok(Inventory {
                nodes,
                namespaces: ReadError::or_default(namespaces)?,
                cpu: Capacity {
                    total: capacity.cpu,
                    used: usage.cpu,
                },
                memory: Capacity {
                    total: mib(capacity.memory),
                    used: mib(usage.memory),
                },
                storage: ReadError::or_default(volumes)?,
                ephemeral: Capacity {
                    total: mib(capacity.ephemeral),
                    used: 0,
                },
                gpu: Capacity {
                    total: whole(capacity.gpu),
                    used: 0,
                },
            })
        })
        .await
    }

    /// Returns what the cluster has, and what its pods that are not over ask for.
    ///
    /// # Errors
    /// As [`Self::inventory`].
    pub async fn assigned(&self) -> Result<Assigned, ReadError> {
        within(async {
            let (nodes, requests) = tokio::join!(self.nodes(), self.requests());
            let (_, capacity) = ReadError::or_default(nodes)?;
            let requests = ReadError::or_default(requests)?;
            Ok(Assigned {
                cpu: Capacity {
                    total: capacity.cpu,
                    used: requests.cpu,
                },
                memory: Capacity {
                    total: mib(capacity.memory),
                    used: mib(requests.memory),
                },
                gpu: Capacity {
                    total: whole(capacity.gpu),
                    used: whole(requests.gpu),
                },
            })
        })
        .await
    }

    async fn nodes(&self) -> Result<(u64, Quantities), ReadError> {
        let (mut count, mut sums) = (0, Quantities::default());
        self.each("/api/v1/nodes", |node: Node| {
            count += 1;
            sums.add(&node.status.capacity.unwrap_or_default());
        })
        .await?;
        Ok((count, sums))
    }

    async fn usage(&self) -> Result<Quantities, ReadError> {
        let mut sums = Quantities::default();
        let path = "/apis/metrics.k8s.io/v1beta1/nodes";
        self.each(path, |node: NodeMetrics| sums.add(&node.usage))
            .await?;
        Ok(sums)
    }

    async fn volumes(&self) -> Result<Capacity, ReadError> {
        let (mut all, mut bound) = (Quantities::default(), Quantities::default());
        self.each("/api/v1/persistentvolumes", |volume: Volume| {
            let capacity = volume.spec.capacity.unwrap_or_default();
            all.add(&capacity);
            if volume.status.phase == "Bound" {
                bound.add(&capacity);
            }
        })
        .await?;
        Ok(Capacity {
            total: mib(all.storage),
            used: mib(bound.storage),
        })
    }

    async fn requests(&self) -> Result<Quantities, ReadError> {
        let mut sums = Quantities::default();
        self.each("/api/v1/pods", |pod: Pod| {
            if matches!(pod.status.phase.as_str(), "Succeeded" | "Failed") {
                return;
            }
            sums.add(&pod.spec.containers);
        })
        .await?;
        Ok(sums)
    }
}

// === impl Quantities ===

impl Quantities {
    fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.cpu, other.cpu),
            (&mut self.memory, other.memory),
            (&mut self.storage, other.storage),
            (&mut self.ephemeral, other.ephemeral),
            (&mut self.gpu, other.gpu),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// A quantity; one that cannot be read counts as nothing.
fn milli<'de, D: Deserializer<'de>>(json: D) -> Result<u64, D::Error> {
    let quantity = String::deserialize(json)?;
    let milli = Decimal::quantity(&quantity).and_then(Decimal::milli);
    Ok(milli.unwrap_or(0))
}

/// Returns what a list of containers asks for.
fn requests<'de, D: Deserializer<'de>>(json: D) -> Result<Quantities, D::Error> {
    let mut sum = Quantities::default();
    let mut add = |container: Container| {
        sum.add(&container.resources.requests.unwrap_or_default());
    };
    Objects::new(&mut add).deserialize(json)?;
    Ok(sum)
}

fn whole(milli: u64) -> u64 {
    milli / 1000
}

fn mib(milli: u64) -> u64 {
    whole(milli) / MIB
}
