//! From what an Envoy logs of a request to the use of an access key.

use cubegate_api::ClusterStates;
use cubegate_filter_config::AuditNote;
use cubegate_store::{KeyUse, Store};
use cubegate_xds::AccessLogEntry;
use time::OffsetDateTime;
use tokio::sync::watch;

use super::start_of;

/// Where uses of access keys are noted.
pub(crate) struct Uses {
    pub(crate) store: Store,
    /// The registered clusters: a path may name any other.
    pub(crate) clusters: watch::Receiver<ClusterStates>,
}

// === impl Uses ===

impl Uses {
    /// Notes the use of the key by whose token a request was made, whether it was let to a
    /// cluster or not.
    pub(super) fn note(&self, entry: &AccessLogEntry, note: &AuditNote, now: OffsetDateTime) {
        let Some(key) = &note.key else {
            return;
        };
        let is_asked =
            |cluster: &&str| note.reason.is_none() && self.clusters.borrow().contains_key(*cluster);
        // Of a stream that lasts its end; an Envoy's clock may be ahead.
        let duration = entry.duration.try_into().unwrap_or_default();
        let end = start_of(entry).and_then(|start| start.checked_add(duration));
        let used = KeyUse {
            at: end.map_or(now, |end| end.min(now)),
            address: entry.client.map(|client| client.to_canonical()),
            cluster: note.cluster.as_deref().filter(is_asked),
        };
        self.store.note_key_use(key, used);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cubegate_api::ClusterState;
    use cubegate_domain::{KeyAttributes, UserState};
    use cubegate_store::NewUser;

    use super::*;

    fn mk_entry(start_micros: i64) -> AccessLogEntry {
        AccessLogEntry {
            start_micros,
            duration: Duration::from_secs(5),
            client: Some("::ffff:203.0.113.7".parse().unwrap()),
            ..AccessLogEntry::default()
        }
    }

    #[tokio::test]
    async fn a_request_with_a_keys_token_is_a_use_of_the_key() {
        let (store, _folder) = cubegate_testing::store().await;
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_100).unwrap();
        let user = NewUser {
            name: "jeff".to_owned(),
            display_name: None,
            password: "jeffPass123".to_owned(),
            state: UserState::Normal,
            groups: Vec::new(),
        };
        store.create_user(user, now).await.unwrap();
        let key = store
            .create_key_with("jeff", KeyAttributes::default(), now)
            .await;
        let key = key.unwrap().access_key;
        let state = ClusterState::unknown(now, None);
        let clusters = watch::Sender::new(ClusterStates::from([("c".to_owned(), state)]));
        let uses = Uses {
            store: store.clone(),
            clusters: clusters.subscribe(),
        };
        let note = |cluster: &str, reason: Option<&str>| AuditNote {
            user: Some("jeff".to_owned()),
            key: Some(key.clone()),
            cluster: Some(cluster.to_owned()),
            reason: reason.map(str::to_owned),
            ..AuditNote::default()
        };
        let asked = async |start_micros: i64, note: AuditNote| {
            uses.note(&mk_entry(start_micros), &note, now);
            let key = store.list_keys("jeff").await.unwrap().remove(0);
            let at = key.last_used_at.unwrap().unix_timestamp();
            (at, key.last_used_address, key.last_used_cluster)
        };
        let address = Some("203.0.113.7".to_owned());
        // Nobody knows which clusters there are not.
        let first = asked(1_700_000_000_000_000, note("nowhere", None)).await;
        assert_eq!(first, (1_700_000_005, address.clone(), None));
        let refused = note("c", Some("out of the key's scope"));
        let refused = asked(1_700_000_010_000_000, refused).await;
        assert_eq!(refused, (1_700_000_015, address.clone(), None));
        let cluster = Some("c".to_owned());
        let served = asked(1_700_000_020_000_000, note("c", None)).await;
        assert_eq!(served, (1_700_000_025, address.clone(), cluster.clone()));
        // A clock that is ahead of ours.
        let later = asked(1_700_009_000_000_000, note("c", None)).await;
        assert_eq!(later, (1_700_000_100, address, cluster));
        // Who comes without a key uses none.
        let before = store.list_keys("jeff").await.unwrap();
        let login = AuditNote {
            key: None,
            ..note("c", None)
        };
        uses.note(&mk_entry(0), &login, now);
        assert_eq!(store.list_keys("jeff").await.unwrap(), before);
    }
}
