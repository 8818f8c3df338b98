//! What Envoy does with what it is sent.

use super::*;

impl Model {
    /// Envoy reads a response and takes it, or what it takes of one that it refuses.
    pub(super) fn envoy_reads(&mut self, takes: bool) {
        let Some(response) = self.to_envoy.pop_front() else {
            return;
        };
        let kind = ResourceType::from_type_url(&response.type_url).unwrap();
        // There is no reason to refuse a removal.
        let takes = takes || response.resources.is_empty();
        let mut answer = mk_request(kind, "");
        answer.response_nonce = response.nonce;
        if !takes {
            answer.error_detail = Some(Status {
                message: "bad".into(),
                ..Default::default()
            });
        }
        // Of several clusters Envoy takes the good ones even as it refuses.
        let taken = if takes {
            usize::MAX
        } else {
            response.resources.len() / 2
        };
        let unwanted = |model: &Self, name: &str| {
            !matches!(kind, Cluster | Listener)
                && !model
                    .wants
                    .get(&kind)
                    .is_some_and(|wants| wants.contains(name))
        };
        for (index, resource) in response.resources.into_iter().enumerate() {
            if unwanted(self, &resource.name) {
                continue;
            }
            if kind == Cluster && !takes {
                self.refused.insert(resource.name.clone());
            }
            if index < taken {
                self.put(kind, resource.name, resource.version);
            } else {
                self.cold.remove(&resource.name);
            }
        }
        for name in response.removed_resources {
            if takes && !unwanted(self, &name) {
                self.remove(kind, &name);
            } else {
                self.cold.remove(&name);
            }
        }
        if kind == Cluster {
            self.cluster_answer = Some(answer);
        } else {
            self.to_server.push_back(answer);
        }
        self.warm_up();
    }

    fn put(&mut self, kind: ResourceType, name: String, version: String) {
        match kind {
            Secret => {
                self.cold.remove(&name);
            }
            Cluster => {
                if self.want(Secret, &name) {
                    self.cold.insert(name.clone());
                }
            }
            ExtensionConfig | RouteConfiguration => {
                for cluster in referred(&version) {
                    assert!(
                        self.has(Cluster, cluster).is_some() || self.refused.contains(cluster),
                        "{kind:?} refers to {cluster}, which Envoy does not have"
                    );
                }
            }
            Listener => {
                self.want(ExtensionConfig, "e");
                self.want(RouteConfiguration, "r");
            }
        }
        self.has.entry(kind).or_default().insert(name, version);
    }

    fn remove(&mut self, kind: ResourceType, name: &str) {
        match kind {
            Secret => {
                let used = self.has(Cluster, name).is_some() && self.has(Secret, name).is_some();
                assert!(!used, "secret {name} was taken from its cluster");
                self.cold.remove(name);
            }
            Cluster => {
                for (kind, by) in [(ExtensionConfig, "e"), (RouteConfiguration, "r")] {
                    let used = self
                        .has(kind, by)
                        .is_some_and(|by| referred(by).any(|r| r == name));
                    assert!(!used, "{name} was taken while {by} refers to it");
                }
                self.unwant(Secret, name);
                self.cold.remove(name);
            }
            ExtensionConfig | RouteConfiguration => {}
            Listener => {
                self.unwant(ExtensionConfig, "e");
                self.unwant(RouteConfiguration, "r");
            }
        }
        self.has.entry(kind).or_default().remove(name);
    }

    /// Envoy answers clusters when they have their secrets, and asks for
    /// listeners after its first clusters.
    fn warm_up(&mut self) {
        if self.cold.is_empty()
            && let Some(answer) = self.cluster_answer.take()
        {
            self.to_server.push_back(answer);
            if self.asked.insert(Listener) {
                self.to_server.push_back(mk_request(Listener, ""));
            }
        }
    }

    /// Subscribes; whether that is new.
    fn want(&mut self, kind: ResourceType, name: &str) -> bool {
        let new = self.wants.entry(kind).or_default().insert(name.into());
        if new {
            self.asked.insert(kind);
            self.to_server
                .push_back(mk_request(kind, &format!("+{name}")));
        }
        new
    }

    fn unwant(&mut self, kind: ResourceType, name: &str) {
        if self.wants.entry(kind).or_default().remove(name) {
            self.has.entry(kind).or_default().remove(name);
            self.to_server
                .push_back(mk_request(kind, &format!("-{name}")));
        }
    }
}
