//! Custom resources of a cluster, listed and then watched as kube's watcher does it: what is lost
//! with a connection is listed again, later each time that it fails.

use std::time::Duration;

use cubegate_domain::Cluster;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use kube::Api;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, watcher};
use thiserror::Error;
use tokio::time::timeout;

use crate::client;

/// Objects per page, of which none has more than 1.5 MiB (etcd's limit).
const PAGE: u32 = 20;

/// Longest answer: a page, or what one watch tells, after which another one goes on.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// How long nothing may come: a watch ends after 290 s by itself.
const SILENCE: Duration = Duration::from_secs(330);

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectKind {
    /// The API group.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The name in paths.
    pub plural: &'static str,
    /// The kind.
    pub kind: &'static str,
}

/// What becomes of the objects of a kind.
#[derive(Debug, Clone)]
pub enum ObjectEvent {
    /// All are told from now on, each as [`Self::Listed`].
    Begin,
    /// One of those that there are.
    Listed(Box<DynamicObject>),
    /// All were told.
    Complete,
    /// One is there, or another one than before.
    Applied(Box<DynamicObject>),
    /// One is gone.
    Deleted(Box<DynamicObject>),
}

/// Why objects cannot be watched for the moment. It goes on by itself.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ObjectsError {
    /// 404.
    #[error(
        "{server} has no {resource}; install its CustomResourceDefinition, or follow it no more"
    )]
    NoSuchResource {
        /// The server URL.
        server: String,
        /// `clusters.cluster.kubecube.io`.
        resource: String,
    },
    /// 401.
    #[error("{server} does not accept the gateway's credential (401)")]
    Unauthorized {
        /// The server URL.
        server: String,
    },
    /// 403.
    #[error(
        "{server} forbids the gateway's credential to list and watch {resource} (403); bind its user to a role with the verbs list and watch on them"
    )]
    Forbidden {
        /// The server URL.
        server: String,
        /// The resource.
        resource: String,
    },
    /// Anything else.
    #[error("{server} tells nothing of {resource}: {reason}")]
    Failed {
        /// The server URL.
        server: String,
        /// The resource.
        resource: String,
        /// Why.
        reason: String,
    },
}

/// Watches all objects of a kind, for as long as somebody reads. An error is followed by a new
/// try, after a pause that grows with each to half a minute. What was told before it still holds
/// then, until there is a new [`ObjectEvent::Complete`].
///
/// # Errors
/// [`ObjectsError::Failed`], when there can be no client of this cluster.
pub fn watch_objects(
    cluster: &Cluster,
    kind: ObjectKind,
) -> Result<BoxStream<'static, Result<ObjectEvent, ObjectsError>>, ObjectsError> {
    let place = Place {
        server: cluster.server.to_string(),
        kind,
    };
    let config = client::config(&cluster.server, &cluster.tls, &cluster.credential)
        .map_err(|reason| place.failed(reason))?;
    let client =
        client::connect(config, MAX_ANSWER_BYTES).map_err(|reason| place.failed(reason))?;
    let api: Api<DynamicObject> = Api::all_with(client, &kind.resource());
    let events = watcher(api, watcher::Config::default().page_size(PAGE)).default_backoff();
    Ok(told(events, place).boxed())
}

/// Where objects are, and of which kind.
struct Place {
    server: String,
    kind: ObjectKind,
}

fn told(
    events: impl Stream<Item = Result<watcher::Event<DynamicObject>, watcher::Error>> + Send + 'static,
    place: Place,
) -> impl Stream<Item = Result<ObjectEvent, ObjectsError>> + Send {
    let state = Some((Box::pin(events), place));
    futures::stream::unfold(state, async |state| {
        let (mut events, place) = state?;
        let next = timeout(SILENCE, async {
            loop {
                match events.next().await {
                    // It was away for too long, and all is listed again.
                    Some(Err(watcher::Error::WatchError(status))) if status.code == 410 => {}
                    next => return next,
                }
            }
        });
        match next.await {
            Ok(Some(event)) => {
                let event = event.map(ObjectEvent::from);
                let event = event.map_err(|error| place.why(&error));
                Some((event, Some((events, place))))
            }
            Ok(None) => None,
            // Whoever reads begins anew.
            Err(_) => {
                let reason = format!("nothing came for {} s", SILENCE.as_secs());
                Some((Err(place.failed(reason)), None))
            }
        }
    })
}

// === impl ObjectKind ===

impl ObjectKind {
    fn resource(&self) -> ApiResource {
        ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version: format!("{}/{}", self.group, self.version),
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }

    /// Returns the name as CustomResourceDefinitions have it: `clusters.cluster.kubecube.io`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}

// === impl ObjectEvent ===

impl From<watcher::Event<DynamicObject>> for ObjectEvent {
    fn from(event: watcher::Event<DynamicObject>) -> Self {
        match event {
            watcher::Event::Init => Self::Begin,
            watcher::Event::InitApply(object) => Self::Listed(Box::new(object)),
            watcher::Event::InitDone => Self::Complete,
            watcher::Event::Apply(object) => Self::Applied(Box::new(object)),
            watcher::Event::Delete(object) => Self::Deleted(Box::new(object)),
        }
    }
}

// === impl Place ===

impl Place {
    fn failed(&self, reason: String) -> ObjectsError {
        ObjectsError::Failed {
            server: self.server.clone(),
            resource: self.kind.name(),
            reason,
        }
    }

    fn why(&self, error: &watcher::Error) -> ObjectsError {
        let (server, resource) = (self.server.clone(), self.kind.name());
        let status = match error {
            watcher::Error::InitialListFailed(kube::Error::Api(status))
            | watcher::Error::WatchStartFailed(kube::Error::Api(status))
            | watcher::Error::WatchFailed(kube::Error::Api(status))
            | watcher::Error::WatchError(status) => Some(status),
            _ => None,
        };
        match status.map(|status| status.code) {
            Some(404) => ObjectsError::NoSuchResource { server, resource },
            Some(401) => ObjectsError::Unauthorized { server },
            Some(403) => ObjectsError::Forbidden { server, resource },
            Some(code) => self.failed(format!("it gives {code}")),
            // Serde's message could quote what it read, and objects hold secrets.
            None if is_no_json(error) => self.failed("its answer has another form".to_owned()),
            None => self.failed(client::innermost(error)),
        }
    }
}

fn is_no_json(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    matches!(
        error,
        InitialListFailed(kube::Error::SerdeError(_))
            | WatchStartFailed(kube::Error::SerdeError(_))
            | WatchFailed(kube::Error::SerdeError(_))
    )
}
