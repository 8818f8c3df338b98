//! What `serviceName` asks about: the services of that name, read before the pods.

use std::collections::BTreeMap;

use cubegate_kube::Family;
use cubegate_list::kubesphere::Service;
use serde::Deserialize;

use crate::Reply;
use crate::call::{Ask, CallAnswer, JSON};
use crate::followup::by_name;

/// Most services of one name whose pods are asked for; there is one in a namespace.
const MAX_SERVICES: usize = 256;

/// Most labels that all of them select by, each a condition on every pod. Kubernetes has
/// no bound of its own, and a service with a few is one already that nobody understands.
const MAX_LABELS: usize = 128;

/// Returns the question for the services of this name, where the list of pods at `pods` is.
pub(crate) fn ask(pods: &str, name: &str) -> Option<Ask> {
    let place = pods.strip_suffix("/pods")?;
    Some(Ask {
        path: format!("{place}/services?{}", by_name(name)),
        accept: JSON,
    })
}

/// Returns the services of an answer, or what the client is told instead.
pub(crate) fn services(answer: CallAnswer) -> Result<Vec<Service>, Reply> {
    const FAMILY: Family = Family::KubeSphere;
    if !answer.is_good() {
        return Err(Reply::follow_up_refused(FAMILY, answer));
    }
    let List { items } =
        serde_json::from_slice(&answer.body).map_err(|_| Reply::follow_up_failed(FAMILY, None))?;
    let items = items.unwrap_or_default();
    if items.len() > MAX_SERVICES {
        return Err(Reply::too_many_services());
    }
    let selectors = items.iter().filter_map(|item| item.spec.selector.as_ref());
    if selectors.map(BTreeMap::len).sum::<usize>() > MAX_LABELS {
        return Err(Reply::too_many_labels());
    }
    let services = items.into_iter().map(|item| Service {
        namespace: item.metadata.namespace,
        selector: item.spec.selector.unwrap_or_default(),
    });
    Ok(services.collect())
}

#[derive(Deserialize)]
struct List {
    /// `null` for none, as Go writes it.
    items: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    namespace: String,
}

#[derive(Default, Deserialize)]
struct Spec {
    selector: Option<BTreeMap<String, String>>,
}
