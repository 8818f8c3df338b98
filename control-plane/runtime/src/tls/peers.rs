//! How much of the control plane's ports one address may take up: nobody who only connects
//! and says nothing must keep the others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cubegate_api::network;

/// How many handshakes may be under way with one address, of all that may be.
const HANDSHAKES: usize = super::accept::MAX_HANDSHAKES / 4;

/// The same where an Envoy is connected from, which opens as many connections at once as
/// it has requests.
const HANDSHAKES_OF_ENVOYS: usize = super::accept::MAX_HANDSHAKES / 2;

/// How many connections of those without a certificate there may be from one address.
const OTHERS: usize = super::accept::MAX_OTHERS / 16;

/// Who is connected, or about to be, by address. Both ports have it in common: at the one
/// of xDS it is seen where Envoys are.
#[derive(Default)]
pub(crate) struct Peers(Mutex<HashMap<IpAddr, Counts>>);

#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    handshakes: usize,
    others: usize,
    envoys: usize,
}

/// What somebody does at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Handshake,
    /// A connection without a certificate.
    Other,
    Envoy,
}

/// A place that an address has taken up, until this is dropped.
pub(super) struct Place {
    peers: Arc<Peers>,
    network: IpAddr,
    presence: Presence,
}

// === impl Peers ===

impl Peers {
    /// A place for an address; `None` when it has all that it may have.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr, presence: Presence) -> Option<Place> {
        let network = network(address);
        let mut all = self.lock();
        let counts = all.get(&network).copied().unwrap_or_default();
        let most = match presence {
            Presence::Handshake if counts.envoys > 0 => HANDSHAKES_OF_ENVOYS,
            Presence::Handshake => HANDSHAKES,
            Presence::Other => OTHERS,
            Presence::Envoy => usize::MAX,
        };
        let count = all.entry(network).or_default().of(presence);
        // There is none yet where an entry was made just now, so none is left behind.
        if *count >= most {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place {
            peers: Arc::clone(self),
            network,
            presence,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Counts ===

impl Counts {
    fn of(&mut self, presence: Presence) -> &mut usize {
        match presence {
            Presence::Handshake => &mut self.handshakes,
            Presence::Other => &mut self.others,
            Presence::Envoy => &mut self.envoys,
        }
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.peers.lock();
        if let Some(counts) = all.get_mut(&self.network) {
            let count = counts.of(self.presence);
            *count = count.saturating_sub(1);
            if *counts == Counts::default() {
                all.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(peers: &Arc<Peers>, address: &str, presence: Presence) -> Vec<Place> {
        let address = address.parse().unwrap();
        std::iter::from_fn(|| peers.enter(address, presence))
            .take(1_000)
            .collect()
    }

    #[test]
    fn an_address_has_a_share_and_gives_it_back() {
        let peers = Arc::new(Peers::default());
        let silent = take(&peers, "203.0.113.1", Presence::Handshake);
        assert_eq!(silent.len(), HANDSHAKES);
        // The same in another form; others have theirs, and so has what is another thing.
        assert!(take(&peers, "::ffff:203.0.113.1", Presence::Handshake).is_empty());
        let other = take(&peers, "203.0.113.2", Presence::Handshake);
        assert_eq!(other.len(), HANDSHAKES);
        let connected = take(&peers, "203.0.113.1", Presence::Other);
        assert_eq!(connected.len(), OTHERS);
        let of_a_network = take(&peers, "2001:db8::1", Presence::Other);
        assert!(take(&peers, "2001:db8::2:3:4:5", Presence::Other).is_empty());
        drop((silent, other, connected, of_a_network));
        assert!(peers.lock().is_empty());
    }

    #[test]
    fn where_an_envoy_is_connected_there_is_more_room() {
        let peers = Arc::new(Peers::default());
        let address: IpAddr = "203.0.113.1".parse().unwrap();
        let envoy = peers.enter(address, Presence::Envoy).unwrap();
        let burst = take(&peers, "203.0.113.1", Presence::Handshake);
        assert_eq!(burst.len(), HANDSHAKES_OF_ENVOYS);
        drop(envoy);
        assert!(take(&peers, "203.0.113.1", Presence::Handshake).is_empty());
    }
}
