use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener as _;
use cubegate_domain::NodeCertificate;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Door, Identity, Incoming, Peers, keep_fresh};
use crate::keys::{CaRotation, Keys};
use crate::node::{Nodes, ShutOut};
use crate::pki::{CONTROL_PLANE_NAME, Ca, Certified};

const SOON: Duration = Duration::from_secs(10);
const NOT_YET: Duration = Duration::from_millis(300);

/// A door with somebody behind it, and what is needed to knock.
struct Site {
    ca: Ca,
    other_ca: Ca,
    /// Takes another CA in the place of the first one.
    replace: watch::Sender<Ca>,
    keys: Keys,
    address: SocketAddr,
    incoming: Incoming,
    shut_out: watch::Sender<ShutOut>,
    arrivals: mpsc::Receiver<NodeCertificate>,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn new(envoys_only: bool) -> Self {
        Self::lasting(envoys_only, Duration::from_secs(3600)).await
    }

    async fn lasting(envoys_only: bool, longest: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(None, folder.path());
        let (ca, other_ca) = (Ca::xds(&keys).unwrap(), Ca::gateway(&keys).unwrap());
        let (replace, authority) = watch::channel(ca.clone());
        let identity = Identity::new(authority, Vec::new(), time::Duration::days(1)).unwrap();
        tokio::spawn(keep_fresh(Arc::clone(&identity)));
        let (shut_out, receiver) = watch::channel(ShutOut::default());
        let (sender, arrivals) = mpsc::channel(8);
        let nodes = Nodes {
            shut_out: receiver,
            arrivals: sender,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let peers = Arc::new(Peers::default());
        let incoming = Door::new(&identity, &nodes, &peers, envoys_only)
            .lasting(longest)
            .open(listener)
            .unwrap();
        Self {
            ca,
            other_ca,
            replace,
            keys,
            address,
            incoming,
            shut_out,
            arrivals,
            _folder: folder,
        }
    }

    /// A connection from the machine's address of this number, on which nothing is said.
    async fn connect(&self, number: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        let from = Ipv4Addr::new(127, 0, 0, number);
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Knocks; with TLS 1.3 a client learns with its first bytes whether it is let in.
    async fn knock(&self, shown: Option<&Certified>) -> std::io::Result<TlsStream<TcpStream>> {
        self.knock_from(1, shown).await
    }

    async fn knock_from(
        &self,
        number: u8,
        shown: Option<&Certified>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(self.ca.certificate_pem().as_bytes());
        roots.add(authority.unwrap()).unwrap();
        let present = self.replace.borrow().own_pem().to_owned();
        let present = CertificateDer::from_pem_slice(present.as_bytes());
        roots.add(present.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(certified) => {
                let pem = certified.certificate_pem.as_bytes();
                let key = PrivateKeyDer::from_pem_slice(certified.key_pem.as_bytes()).unwrap();
                let chain = vec![CertificateDer::from_pem_slice(pem).unwrap()];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = self.connect(number).await;
        let name = ServerName::try_from(CONTROL_PLANE_NAME).unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    async fn is_let_in(&mut self, shown: Option<&Certified>) -> bool {
        let knocked = self.knock(shown).await;
        let arrival = timeout(NOT_YET, self.incoming.accept()).await;
        if let Ok(mut stream) = knocked
            && arrival.is_err()
        {
            // Closed, not forgotten.
            let end = timeout(SOON, stream.read(&mut [0])).await.unwrap();
            assert!(matches!(end, Ok(0) | Err(_)));
        }
        arrival.is_ok()
    }

    /// A CA that was replaced is taken a moment later.
    async fn comes_to_let_in(&mut self, shown: &Certified, let_in: bool) {
        let comes = async { while self.is_let_in(Some(shown)).await != let_in {} };
        timeout(SOON, comes).await.unwrap();
    }
}

fn mk_node(seconds: i64) -> NodeCertificate {
    let issued_at = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
    NodeCertificate {
        node: "edge".to_owned(),
        issued_at,
        expires_at: issued_at + time::Duration::seconds(seconds),
    }
}

#[tokio::test]
async fn only_an_envoy_of_the_ca_comes_in_to_xds() {
    let mut world = Site::new(true).await;
    let node = mk_node(3600);
    let good = world.ca.node(&node).unwrap();
    assert!(world.is_let_in(Some(&good)).await);
    assert_eq!(world.arrivals.recv().await, Some(node.clone()));

    assert!(!world.is_let_in(None).await, "nobody");
    let foreign = world.other_ca.node(&node).unwrap();
    assert!(!world.is_let_in(Some(&foreign)).await, "of another CA");
    let server = world
        .ca
        .server("x", vec!["edge".to_owned()], time::Duration::days(1));
    assert!(!world.is_let_in(Some(&server.unwrap())).await, "a server's");
    let ended = world.ca.node(&mk_node(-10)).unwrap();
    assert!(!world.is_let_in(Some(&ended)).await, "one that has ended");
}

#[tokio::test]
async fn to_the_api_anybody_comes_in_but_an_envoy_is_known_by_its_certificate_alone() {
    let mut world = Site::new(false).await;
    let _nobody = world.knock(None).await.unwrap();
    let (_connection, peer) = timeout(SOON, world.incoming.accept()).await.unwrap();
    assert_eq!(peer.envoy, None);
    let certified = world.ca.node(&mk_node(3600)).unwrap();
    let _envoy = world.knock(Some(&certified)).await.unwrap();
    let (_connection, peer) = timeout(SOON, world.incoming.accept()).await.unwrap();
    assert_eq!(peer.envoy.unwrap().node, "edge");
    let foreign = world.other_ca.node(&mk_node(3600)).unwrap();
    assert!(!world.is_let_in(Some(&foreign)).await);
}

#[tokio::test]
async fn an_envoy_that_is_shut_out_loses_its_connection_at_once_and_gets_no_other() {
    let mut world = Site::new(true).await;
    let node = mk_node(3600);
    let certified = world.ca.node(&node).unwrap();
    let _stream = world.knock(Some(&certified)).await.unwrap();
    let (mut connection, _) = timeout(SOON, world.incoming.accept()).await.unwrap();
    let mut byte = [0];
    assert!(timeout(NOT_YET, connection.read(&mut byte)).await.is_err());
    // Others, and older certificates, are not concerned.
    let before = node.issued_at - time::Duration::SECOND;
    for others in [[("other", node.issued_at)], [("edge", before)]] {
        world.shut_out.send_replace(ShutOut::of(&others));
        assert!(timeout(NOT_YET, connection.read(&mut byte)).await.is_err());
    }
    world
        .shut_out
        .send_replace(ShutOut::of(&[("edge", node.issued_at)]));
    let end = timeout(SOON, connection.read(&mut byte)).await.unwrap();
    assert!(end.unwrap_err().to_string().contains("shut out"));
    assert!(connection.write_all(b"x").await.is_err());
    assert!(!world.is_let_in(Some(&certified)).await);
}

#[tokio::test]
async fn a_connection_does_not_outlive_its_certificate() {
    let mut world = Site::new(true).await;
    let certified = world.ca.node(&mk_node(2)).unwrap();
    let _stream = world.knock(Some(&certified)).await.unwrap();
    let (mut connection, _) = timeout(SOON, world.incoming.accept()).await.unwrap();
    let end = timeout(SOON, connection.read(&mut [0])).await.unwrap();
    assert!(end.unwrap_err().to_string().contains("has ended"));
}

#[tokio::test]
async fn another_ca_is_taken_while_the_port_is_open() {
    let mut world = Site::new(true).await;
    let old = world.ca.node(&mk_node(3600)).unwrap();
    let _stream = world.knock(Some(&old)).await.unwrap();
    let (mut connection, _) = timeout(SOON, world.incoming.accept()).await.unwrap();
    let rotation = CaRotation::of(&world.keys).unwrap();
    rotation.add().unwrap();
    rotation.use_next().unwrap();
    let both = Ca::xds(&world.keys).unwrap();
    let new = both.node(&mk_node(3600)).unwrap();
    assert!(!world.is_let_in(Some(&new)).await, "not told of yet");
    world.replace.send_replace(both);
    world.comes_to_let_in(&new, true).await;
    assert!(world.is_let_in(Some(&old)).await);
    let mut byte = [0];
    assert!(timeout(NOT_YET, connection.read(&mut byte)).await.is_err());

    rotation.drop_other(&world.keys).unwrap();
    let last = Ca::xds(&world.keys).unwrap();
    world.replace.send_replace(last);
    let end = timeout(SOON, connection.read(&mut byte)).await.unwrap();
    assert!(end.unwrap_err().to_string().contains("trusted no more"));
    world.comes_to_let_in(&old, false).await;
    assert!(world.is_let_in(Some(&new)).await);
}

#[tokio::test]
async fn http_in_clear_is_told_where_it_is() {
    let world = Site::new(false).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream
        .write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    timeout(SOON, read).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("speaks TLS"), "{answer}");
}

#[tokio::test]
async fn a_client_that_still_sends_when_it_was_answered_gets_the_answer() {
    let mut world = Site::new(false).await;
    let mut stream = world.knock(None).await.unwrap();
    let (mut connection, _) = timeout(SOON, world.incoming.accept()).await.unwrap();
    let answering = tokio::spawn(async move {
        connection.read_exact(&mut [0; 10]).await.unwrap();
        connection.write_all(b"answer").await.unwrap();
        connection.shutdown().await.unwrap();
    });
    let body = vec![b'x'; 2 << 20];
    timeout(SOON, stream.write_all(&body))
        .await
        .unwrap()
        .unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer, b"answer");
    stream.shutdown().await.unwrap();
    drop(stream);
    timeout(SOON, answering).await.unwrap().unwrap();
}

#[tokio::test]
async fn silent_connections_from_one_address_keep_no_other_one_out() {
    let mut world = Site::new(false).await;
    let mut silent = Vec::new();
    for _ in 0..140 {
        silent.push(world.connect(2).await);
    }
    // The last ones are closed at once, and so is what else comes from there.
    let end = timeout(SOON, silent[139].read(&mut [0])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)));
    assert!(world.knock_from(2, None).await.is_err());
    let _other = world.knock_from(3, None).await.unwrap();
    timeout(SOON, world.incoming.accept()).await.unwrap();
    // The first ones keep what they have.
    assert!(timeout(NOT_YET, silent[0].read(&mut [0])).await.is_err());
    // Where an Envoy is, more is opened at once.
    let certified = world.ca.node(&mk_node(3600)).unwrap();
    let _envoy = world.knock_from(4, Some(&certified)).await.unwrap();
    let (_connection, _) = timeout(SOON, world.incoming.accept()).await.unwrap();
    for _ in 0..140 {
        silent.push(world.connect(4).await);
    }
    let _envoy = world.knock_from(4, Some(&certified)).await.unwrap();
    timeout(SOON, world.incoming.accept()).await.unwrap();
}

#[tokio::test]
async fn connections_without_a_certificate_are_few_from_one_address() {
    let mut world = Site::new(false).await;
    let mut held = Vec::new();
    for _ in 0..32 {
        let stream = world.knock_from(2, None).await.unwrap();
        let arrival = timeout(SOON, world.incoming.accept()).await.unwrap();
        held.push((stream, arrival));
    }
    let mut refused = world.knock_from(2, None).await.unwrap();
    let end = timeout(SOON, refused.read(&mut [0])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)));
    let _other = world.knock_from(3, None).await.unwrap();
    timeout(SOON, world.incoming.accept()).await.unwrap();
    held.pop();
    let _again = world.knock_from(2, None).await.unwrap();
    timeout(SOON, world.incoming.accept()).await.unwrap();
}

#[tokio::test]
async fn a_connection_without_a_certificate_does_not_last_for_ever() {
    let mut world = Site::lasting(false, Duration::from_secs(2)).await;
    let stream = world.knock(None).await.unwrap();
    let (mut connection, _) = timeout(SOON, world.incoming.accept()).await.unwrap();
    // However much is said.
    let (mut unread, mut said) = tokio::io::split(stream);
    let saying = tokio::spawn(async move { while said.write_all(b"x").await.is_ok() {} });
    let reading = async {
        loop {
            if let Err(error) = connection.read(&mut [0; 1024]).await {
                return error;
            }
        }
    };
    let end = timeout(SOON, reading).await.unwrap();
    assert!(end.to_string().contains("has lasted"), "{end}");
    drop(connection);
    let _ = unread.read(&mut [0]).await;
    timeout(SOON, saying).await.unwrap().unwrap();
}
