//! The filter `serviceName` of pods, which depends on more than the pods: whoever
//! asks for the list has to read the services of that name first.

use std::collections::BTreeMap;

use cubegate_kube::query::pairs;

use crate::condition::Test;
use crate::expression::Expression;
use crate::path::KeyPath;

use super::kinds::{Filter, Kind};

/// A service, as far as it says which pods it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its `spec.selector`: the labels of its pods. An empty one selects none.
    pub selector: BTreeMap<String, String>,
}

/// The service whose pods are asked for, if the request is about that.
pub fn service_name(resource: &str, raw_query: &str) -> Option<String> {
    let kind = Kind::of(resource);
    let asks = |name: &str| {
        let filter = kind.filter(name);
        filter.is_some_and(|(_, filter)| filter == Filter::PodOfService)
    };
    pairs(raw_query)
        .find(|(name, _)| asks(name))
        .map(|(_, name)| name)
}

/// Returns the pods of any of these services.
pub(super) fn pods_of(services: &[Service]) -> Expression<KeyPath> {
    let selecting = services
        .iter()
        .filter(|service| !service.selector.is_empty());
    Expression::Any(selecting.map(pods_of_one).collect())
}

fn pods_of_one(service: &Service) -> Expression<KeyPath> {
    let namespace = Expression::path("metadata.namespace", Test::is(&service.namespace));
    let labels = service.selector.iter().map(|(label, value)| {
        Expression::path(
            &format!("metadata.labels.{label}"),
            Test::one_of([value.as_str()]),
        )
    });
    Expression::All([namespace].into_iter().chain(labels).collect())
}
