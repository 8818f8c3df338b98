//! Pod lists as real clusters have them.
//!
//! The pods belong to workloads, whose replicas look alike but for names, nodes
//! and times, as everywhere. A pod has labels, annotations, owner, the field
//! sets of all who wrote it (almost half of its bytes, as in a cluster that
//! nobody strips them in), containers with environment and probes, volumes,
//! tolerations, and a status. The list is in the API server's order, namespace
//! and name; times of creation have nothing to do with it.

mod managed_fields;
mod metadata;
mod spec;
mod status;
#[cfg(test)]
mod tests;
mod workload;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::json::Json;
use crate::random::Random;
use workload::Workload;

/// The seed of every published figure.
const SEED: u64 = 0x6375_6265_6761_7465;
/// Bytes that are set aside for a pod; most are smaller.
const POD_BYTES: usize = 10_000;

/// A list to be made. The same numbers give the same bytes everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodList {
    /// How many pods.
    pub pods: usize,
    /// What they are drawn from.
    pub seed: u64,
}

/// One pod before it is written.
struct Pod {
    namespace: &'static str,
    name: String,
    workload: usize,
    ordinal: u64,
    random: Random,
}

// === impl PodList ===

impl Default for PodList {
    /// The list of the published figures: 5,024 pods, 47 MB.
    fn default() -> Self {
        Self::of(5024)
    }
}

impl PodList {
    /// So many pods under the seed of the published figures.
    pub fn of(pods: usize) -> Self {
        Self { pods, seed: SEED }
    }

    /// The list as an API server sends it: compact, and a line feed at the end.
    pub fn to_json(self) -> Vec<u8> {
        let (workloads, pods) = self.draw();
        let mut list = String::with_capacity(self.pods.saturating_mul(POD_BYTES));
        list.push_str(r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"184467441"},"items":["#);
        let mut first = true;
        for pod in pods {
            let Some(workload) = workloads.get(pod.workload) else {
                continue;
            };
            if !first {
                list.push(',');
            }
            first = false;
            pod.into_json(workload).write(&mut list);
        }
        list.push_str("]}\n");
        list.into_bytes()
    }

    /// The pods as somebody would create them: without what the server and the
    /// kubelet add, and in this namespace.
    pub fn manifests(self, namespace: &str) -> Vec<String> {
        let (workloads, pods) = self.draw();
        let manifest = |pod: Pod| {
            let workload = workloads.get(pod.workload)?;
            Some(pod.manifest(workload, namespace).to_string())
        };
        pods.into_iter().filter_map(manifest).collect()
    }

    /// The workloads, and their pods in the API server's order.
    fn draw(self) -> (Vec<Workload>, Vec<Pod>) {
        let mut random = Random::new(self.seed);
        let mut workloads = Vec::new();
        let mut pods = Vec::with_capacity(self.pods);
        while pods.len() < self.pods {
            let workload = Workload::draw(workloads.len(), random.split());
            let mut random = random.split();
            for ordinal in 0..workload.replicas {
                if pods.len() == self.pods {
                    break;
                }
                pods.push(Pod {
                    namespace: workload.namespace,
                    name: workload.pod_name(ordinal, &mut random),
                    workload: workloads.len(),
                    ordinal,
                    random: random.split(),
                });
            }
            workloads.push(workload);
        }
        pods.sort_by(|a, b| (a.namespace, &a.name).cmp(&(b.namespace, &b.name)));
        (workloads, pods)
    }
}

/// So many seconds after the epoch as Kubernetes writes times.
fn timestamp(seconds: u64) -> Json {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok());
    time.map_or(Json::Null, Json::from)
}
