//! For whose browser the console asks clusters: its requests come from the control plane's
//! address, and their audit records are to have the reader's.
//!
//! ```text
//! browser ──Envoy──> console ──address, time, proof──> Envoy's filter ──> access log ──> here
//! ```
//!
//! The filter takes the header out of every request, and leaves what it says with Envoy. Whose
//! it is shows here alone, by a proof that only a control plane of the database can make: a
//! client may send whatever it likes.

use std::net::IpAddr;

use axum::http::HeaderValue;
use cubegate_console::Reader;
use cubegate_filter_config::AuditNote;
use cubegate_store::Store;
use time::{Duration, OffsetDateTime};

/// A proof that is older is none: a request of the console takes a minute at most, and an
/// Envoy logs once a second. The rest is for clocks that differ.
const LIFETIME: Duration = Duration::minutes(5);

/// Makes the header, and reads it again.
#[derive(Clone)]
pub(crate) struct Readers {
    store: Store,
}

// === impl Readers ===

impl Readers {
    pub(crate) fn of(store: &Store) -> Self {
        Self {
            store: store.clone(),
        }
    }

    /// Returns what a request for this reader says.
    pub(crate) fn say(&self, reader: &Reader, now: OffsetDateTime) -> Option<HeaderValue> {
        let (address, at) = (reader.address.to_string(), now.unix_timestamp().to_string());
        let proof = self.store.reader_proof(&[&reader.user, &address, &at]);
        HeaderValue::from_str(&format!("{address};{at};{proof}")).ok()
    }

    /// Returns the reader's address, if a control plane of this database has said it, lately
    /// and for this user.
    pub(crate) fn address(&self, note: &AuditNote, now: OffsetDateTime) -> Option<IpAddr> {
        let (user, said) = (note.user.as_deref()?, note.reader.as_deref()?);
        let mut parts = said.splitn(3, ';');
        let (address, at, proof) = (parts.next()?, parts.next()?, parts.next()?);
        let made = OffsetDateTime::from_unix_timestamp(at.parse().ok()?).ok()?;
        if (now - made).abs() > LIFETIME {
            return None;
        }
        self.store
            .is_reader_proof(proof, &[user, address, at])
            .then(|| address.parse().ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_believed_of_a_control_plane_alone() {
        let (store, _folder) = cubegate_testing::store().await;
        let (foreign, _other_folder) = cubegate_testing::store_under(2).await;
        let readers = Readers::of(&store);
        let at =
            |seconds: i64| OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap();
        let reader = Reader {
            user: "jeff".to_owned(),
            address: "203.0.113.7".parse().unwrap(),
        };
        let said = readers.say(&reader, at(0)).unwrap();
        let said = said.to_str().unwrap();
        let address = |user: &str, said: &str, seconds| {
            let note = AuditNote {
                user: Some(user.to_owned()),
                reader: Some(said.to_owned()),
                ..AuditNote::default()
            };
            readers.address(&note, at(seconds))
        };
        assert_eq!(address("jeff", said, 60), Some(reader.address));
        // Of another user, and much later.
        assert_eq!(address("joe", said, 60), None);
        assert_eq!(address("jeff", said, 301), None);
        assert_eq!(address("jeff", said, -301), None);
        // Of somebody else, who knows the form.
        let elsewhere = Readers::of(&foreign).say(&reader, at(0)).unwrap();
        assert_eq!(address("jeff", elsewhere.to_str().unwrap(), 60), None);
        let other = said.replace("203.0.113.7", "203.0.113.8");
        for forged in ["", ";;", "203.0.113.7", "203.0.113.7;1700000000;", &other] {
            assert_eq!(address("jeff", forged, 0), None, "{forged}");
        }
        assert_eq!(readers.address(&AuditNote::default(), at(0)), None);
    }
}
