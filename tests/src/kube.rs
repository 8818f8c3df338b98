//! An API server as its administrator sees it: what the tests put there, and
//! what they compare the gateway's answers with.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::kubeconfig::Kubeconfig;
use crate::run::unique;

/// One API server, spoken to as `system:masters`.
#[derive(Clone)]
pub struct Kube {
    client: Client,
}

/// To whom a Role is given.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// One user.
    User(&'a str),
    /// Everybody in a group.
    Group(&'a str),
}

/// A rule of a Role.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// The API group; empty for the core.
    pub group: &'a str,
    /// The resources.
    pub resources: &'a [&'a str],
    /// The verbs.
    pub verbs: &'a [&'a str],
}

// === impl Kube ===

impl Kube {
    /// As the kubeconfig says.
    ///
    /// # Errors
    /// A kubeconfig that cannot be read.
    pub fn new(kubeconfig: &Path) -> Result<Self> {
        let config = Kubeconfig::read(kubeconfig)?;
        let client = Client::tls(&config.server, &config.ca, Some(&config.identity))?;
        Ok(Self { client })
    }

    /// The client behind it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Gets a path.
    ///
    /// # Errors
    /// Anything but 200.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.client
            .get(path)
            .header("accept", "application/json")
            .send()
            .await?
            .expect(200)
    }

    /// Creates an object in a collection.
    ///
    /// # Errors
    /// Anything but 201.
    pub async fn create(&self, collection: &str, object: &Value) -> Result<Value> {
        self.client
            .post(collection)
            .json(object)
            .send()
            .await?
            .expect(201)?
            .json()
    }

    /// Creates it unless it is there.
    ///
    /// # Errors
    /// Anything but 201 and 409.
    pub async fn ensure(&self, collection: &str, object: &Value) -> Result<()> {
        let answer = self.client.post(collection).json(object).send().await?;
        match answer.status {
            201 | 409 => Ok(()),
            _ => bail!("not created: {}", answer.describe()),
        }
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// Anything but 200 and 202.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let answer = self.client.delete(path).send().await?;
        match answer.status {
            200 | 202 => Ok(()),
            _ => bail!("not deleted: {}", answer.describe()),
        }
    }

    /// A new namespace whose name begins with `prefix`.
    ///
    /// # Errors
    /// The API server's.
    pub async fn namespace(&self, prefix: &str) -> Result<String> {
        let name = format!("{prefix}-{}", unique());
        let object = json!({ "metadata": { "name": name } });
        self.create("/api/v1/namespaces", &object).await?;
        Ok(name)
    }

    /// Lets the gateway act as members of this group, as an operator does who names it in
    /// the gateway's role (`cubegate cluster manifest --group`).
    ///
    /// # Errors
    /// The API server's.
    pub async fn let_the_gateway_give(&self, group: &str) -> Result<()> {
        const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
        let name = format!("gateway-gives-{}", unique());
        let role = json!({
            "metadata": { "name": name },
            "rules": [{
                "apiGroups": [""], "resources": ["groups"], "verbs": ["impersonate"],
                "resourceNames": [group],
            }],
        });
        self.create(&format!("{RBAC}/clusterroles"), &role).await?;
        let binding = json!({
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
            // The common name in the certificate of `apiserver.sh gateway-kubeconfig`.
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "cubegate" }],
        });
        self.create(&format!("{RBAC}/clusterrolebindings"), &binding)
            .await?;
        Ok(())
    }

    /// Lets somebody do this in a namespace. A group is one that the gateway may give, too.
    ///
    /// # Errors
    /// The API server's.
    pub async fn grant(
        &self,
        namespace: &str,
        subject: Subject<'_>,
        rules: &[Rule<'_>],
    ) -> Result<()> {
        let rules: Vec<Value> = rules
            .iter()
            .map(|rule| json!({ "apiGroups": [rule.group], "resources": rule.resources, "verbs": rule.verbs }))
            .collect();
        let (kind, subject) = match subject {
            Subject::User(name) => ("User", name),
            Subject::Group(name) => {
                self.let_the_gateway_give(name).await?;
                ("Group", name)
            }
        };
        let base = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
        let name = format!("may-{}", unique());
        let role = json!({ "metadata": { "name": name }, "rules": rules });
        self.create(&format!("{base}/roles"), &role).await?;
        let binding = json!({
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": subject }],
        });
        self.create(&format!("{base}/rolebindings"), &binding)
            .await?;
        Ok(())
    }

    /// Lets a user do what these rules say (`PolicyRule`) in the whole cluster.
    ///
    /// # Errors
    /// The API server's.
    pub async fn grant_everywhere(&self, user: &str, rules: &Value) -> Result<()> {
        const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
        let name = format!("may-everywhere-{}", unique());
        let role = json!({ "metadata": { "name": name }, "rules": rules });
        self.create(&format!("{RBAC}/clusterroles"), &role).await?;
        let binding = json!({
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
        });
        self.create(&format!("{RBAC}/clusterrolebindings"), &binding)
            .await?;
        Ok(())
    }

    /// Makes a user administrator of the whole cluster.
    ///
    /// # Errors
    /// The API server's.
    pub async fn make_cluster_admin(&self, user: &str) -> Result<()> {
        let binding = json!({
            "metadata": { "name": format!("test-admin-{user}") },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
        });
        self.ensure(
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            &binding,
        )
        .await
    }
}

/// A pod of one container.
pub fn pod(name: &str) -> Value {
    json!({
        "metadata": { "name": name, "labels": { "app": name } },
        "spec": { "containers": [{ "name": "main", "image": "nginx:1.14" }] },
    })
}

/// A deployment of one container.
pub fn deployment(name: &str) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "main", "image": "nginx:1.14" }] },
            },
        },
    })
}

/// A ConfigMap.
pub fn config_map(name: &str, data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": data })
}
