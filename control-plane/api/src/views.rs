//! What the API shows of things, in the form in which it shows them. The command line's JSON
//! has the same fields.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use cubegate_api_types::cube::{
    API_VERSION, ClusterEnvoys, ClusterItem, EnvoyAccepted, EnvoyItem, EnvoyRefusal, EnvoyRefused,
    KeyList, KeyMetadata, KeyObject, KeySpec, USER_LABEL, UserItem, UserSession,
};
use cubegate_domain::{AccessKey, Cluster, KeyAttributes, User};
use cubegate_store::{EnvoyAnswers, EnvoyReport, Login};
use time::OffsetDateTime;

use crate::ClusterState;
use crate::respond::timestamp;
use crate::routes::{old_secret_until, user_parts};

/// A cluster, how it is, and what the connected Envoys make of it. `state` is `None` when
/// nobody has looked at it.
pub fn cluster(
    cluster: &Cluster,
    is_host: bool,
    state: Option<&ClusterState>,
    answers: EnvoyAnswers,
) -> ClusterItem {
    let unknown = || Cow::Owned(ClusterState::unknown(cluster.created_at, None));
    let state = state.map_or_else(unknown, Cow::Borrowed);
    let refused = answers
        .refused
        .into_iter()
        .map(|(envoy, reason)| EnvoyRefusal { envoy, reason });
    ClusterItem {
        name: cluster.name.to_string(),
        server: cluster.server.to_string(),
        created_at: timestamp(cluster.created_at),
        host: is_host,
        status: state.status.as_str().to_owned(),
        reason: state.reason.clone(),
        since: timestamp(state.since),
        version: state.version.clone(),
        latency_ms: state.latency.map(whole_millis),
        credential_expires_at: state.credential_ends.map(timestamp),
        source: cluster.source.as_str().to_owned(),
        envoys: ClusterEnvoys {
            connected: answers.connected,
            waiting: answers.waiting.len(),
            refused: refused.collect(),
        },
    }
}

/// A millisecond that has begun counts: 0 would look as if nothing was measured.
fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// An Envoy that is connected; changes up to `revision` are what it should have.
pub fn envoy(envoy: EnvoyReport, revision: u64) -> EnvoyItem {
    let state = envoy.state;
    let accepted = state.accepted.into_iter().map(|accepted| EnvoyAccepted {
        at: moment(accepted.at),
        kind: accepted.kind,
        version: accepted.version,
        resources: accepted.resources,
    });
    let refused = state.refused.into_iter().map(|refused| EnvoyRefused {
        kind: refused.kind,
        name: refused.name,
        reason: refused.reason,
    });
    EnvoyItem {
        name: envoy.node,
        version: state.version,
        address: state.address,
        connected_at: moment(state.connected_at),
        up_to_date: envoy.revision >= revision && state.refused_total == 0,
        accepted: accepted.collect(),
        refused: refused.collect(),
        refused_total: state.refused_total,
    }
}

/// Access keys, without their secrets.
pub fn keys(keys: Vec<AccessKey>, now: OffsetDateTime) -> KeyList {
    KeyList {
        kind: "KeyList".to_owned(),
        api_version: API_VERSION.to_owned(),
        metadata: BTreeMap::new(),
        items: keys.into_iter().map(|one| key(one, now)).collect(),
    }
}

fn key(key: AccessKey, now: OffsetDateTime) -> KeyObject {
    let old_secret_until = old_secret_until(&key, now).map(timestamp);
    let KeyAttributes {
        name,
        description,
        expires_at,
        scope,
        limits,
    } = key.attributes;
    KeyObject {
        metadata: KeyMetadata {
            name: key.access_key,
            creation_timestamp: timestamp(key.created_at),
            labels: BTreeMap::from([(USER_LABEL.to_owned(), key.user.clone())]),
        },
        spec: KeySpec {
            user: key.user,
            last_used_time: key.last_used_at.map(timestamp),
            last_used_address: key.last_used_address,
            last_used_cluster: key.last_used_cluster,
            name,
            description,
            made_by: key.made_by,
            expires_at: expires_at.map(timestamp),
            scope: (!scope.is_unbounded()).then_some(scope),
            requests_per_second: limits.requests_per_second,
            concurrent_requests: limits.concurrent,
            old_secret_until,
        },
    }
}

/// A user, without a password in any form.
pub fn user(user: User, now: OffsetDateTime) -> UserItem {
    let name = user.name.clone();
    let (spec, status) = user_parts(user, now);
    UserItem { name, spec, status }
}

/// A login whose session goes on.
pub fn session(login: Login) -> UserSession {
    UserSession {
        id: login.session,
        kind: login.kind.as_str().to_owned(),
        began_at: timestamp(login.began_at),
        ends_at: timestamp(login.ends_at),
        address: login.address,
        user_agent: login.user_agent,
    }
}

fn moment(unix: i64) -> String {
    timestamp(OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}
