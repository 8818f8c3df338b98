//! What a cluster has and what of it is used.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ReadError, Reader, quantity, within};

const MIB: u64 = 1024 * 1024;

/// The extended resource that KubeCube counts as GPU.
const GPU: &str = "nvidia.com/gpu";

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

/// Sums in thousandths of each resource's unit.
#[derive(Default)]
struct Sums(BTreeMap<String, u64>);

type Quantities = BTreeMap<String, String>;

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
    containers: Vec<Container>,
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

// === impl Reader ===

impl Reader {
    /// What the cluster has.
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
                    total: capacity.milli("cpu"),
                    used: usage.milli("cpu"),
                },
                memory: Capacity {
                    total: capacity.mib("memory"),
                    used: usage.mib("memory"),
                },
                storage: ReadError::or_default(volumes)?,
                ephemeral: Capacity {
                    total: capacity.mib("ephemeral-storage"),
                    used: 0,
                },
                gpu: Capacity {
                    total: capacity.whole(GPU),
                    used: 0,
                },
            })
        })
        .await
    }

    /// What the cluster has, and what its pods that are not over ask for.
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
                    total: capacity.milli("cpu"),
                    used: requests.milli("cpu"),
                },
                memory: Capacity {
                    total: capacity.mib("memory"),
                    used: requests.mib("memory"),
                },
                gpu: Capacity {
                    total: capacity.whole(GPU),
                    used: requests.whole(GPU),
                },
            })
        })
        .await
    }

    async fn nodes(&self) -> Result<(u64, Sums), ReadError> {
        let (mut count, mut sums) = (0, Sums::default());
        self.each("/api/v1/nodes", |node: Node| {
            count += 1;
            sums.add(&node.status.capacity.unwrap_or_default());
        })
        .await?;
        Ok((count, sums))
    }

    async fn usage(&self) -> Result<Sums, ReadError> {
        let mut sums = Sums::default();
        let path = "/apis/metrics.k8s.io/v1beta1/nodes";
        self.each(path, |node: NodeMetrics| sums.add(&node.usage))
            .await?;
        Ok(sums)
    }

    async fn volumes(&self) -> Result<Capacity, ReadError> {
        let (mut all, mut bound) = (Sums::default(), Sums::default());
        self.each("/api/v1/persistentvolumes", |volume: Volume| {
            let capacity = volume.spec.capacity.unwrap_or_default();
            all.add(&capacity);
            if volume.status.phase == "Bound" {
                bound.add(&capacity);
            }
        })
        .await?;
        Ok(Capacity {
            total: all.mib("storage"),
            used: bound.mib("storage"),
        })
    }

    async fn requests(&self) -> Result<Sums, ReadError> {
        let mut sums = Sums::default();
        self.each("/api/v1/pods", |pod: Pod| {
            if matches!(pod.status.phase.as_str(), "Succeeded" | "Failed") {
                return;
            }
            for container in pod.spec.containers {
                sums.add(&container.resources.requests.unwrap_or_default());
            }
        })
        .await?;
        Ok(sums)
    }
}

// === impl Sums ===

impl Sums {
    /// Adds each quantity; one that cannot be read adds nothing.
    fn add(&mut self, quantities: &Quantities) {
        for (name, quantity) in quantities {
            let sum = self.0.entry(name.clone()).or_default();
            *sum = sum.saturating_add(quantity::milli(quantity).unwrap_or(0));
        }
    }

    fn milli(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    fn whole(&self, name: &str) -> u64 {
        self.milli(name) / 1000
    }

    fn mib(&self, name: &str) -> u64 {
        self.whole(name) / MIB
    }
}
