//! Many members at once: what API servers tell of themselves, as one real one told it, each on a
//! port of its own behind TLS, with a count of what it was asked.
//!
//! ```text
//! real kube-apiserver ──Documents::record──> Documents ─┐
//!                                                       ├─> Members: one port each
//!        Shape (old or new), Mood (well, dead, hanging) ─┘      └─ counts
//! ```
//!
//! They know discovery alone; everything else is 404, as that of a cluster without anything.

mod documents;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use futures::future::pending;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

pub use self::documents::{Documents, Shape};

/// Longest head of a request.
const MAX_HEAD: usize = 16 << 10;

/// How a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It answers.
    Well,
    /// Nobody listens at its port.
    Dead,
    /// It accepts connections and says nothing.
    Hanging,
}

/// The members. They end with the value.
pub struct Members {
    members: Vec<Member>,
    ca_pem: String,
}

struct Member {
    port: u16,
    mood: watch::Sender<Mood>,
    asked: Arc<AtomicU64>,
    server: JoinHandle<()>,
}

/// What all connections of one member share.
#[derive(Clone)]
struct Server {
    documents: watch::Receiver<Arc<Documents>>,
    tls: TlsAcceptor,
    mood: watch::Receiver<Mood>,
    asked: Arc<AtomicU64>,
}

// === impl Members ===

impl Members {
    /// Starts so many, all well. What they have follows `documents`.
    ///
    /// # Errors
    /// No free port, no certificate.
    pub async fn start(count: usize, documents: watch::Receiver<Arc<Documents>>) -> Result<Self> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(cubegate_tests::tls::provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)?;
        let tls = TlsAcceptor::from(Arc::new(config));
        let mut members = Vec::with_capacity(count);
        for _ in 0..count {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let port = listener.local_addr()?.port();
            let (mood, moods) = watch::channel(Mood::Well);
            let asked = Arc::new(AtomicU64::new(0));
            let server = Server {
                documents: documents.clone(),
                tls: tls.clone(),
                mood: moods,
                asked: Arc::clone(&asked),
            };
            members.push(Member {
                port,
                mood,
                asked,
                server: tokio::spawn(server.serve(port, listener)),
            });
        }
        Ok(Self {
            members,
            ca_pem: cert.pem(),
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// The kubeconfig of one, which asks for no credential.
    ///
    /// # Errors
    /// There is no such member.
    pub fn kubeconfig(&self, number: usize) -> Result<String> {
        let member = self.members.get(number).context("no such member")?;
        let url = format!("https://127.0.0.1:{}", member.port);
        Ok(cubegate_tests::kubeconfig::document(&url, Some(&self.ca_pem)).to_string())
    }

    /// Makes one well, dead or hanging, with all connections that it has.
    ///
    /// # Errors
    /// There is no such member.
    pub fn set(&self, number: usize, mood: Mood) -> Result<()> {
        let member = self.members.get(number).context("no such member")?;
        member.mood.send_replace(mood);
        Ok(())
    }

    /// How many requests each was asked since the start.
    pub fn asked(&self) -> Vec<u64> {
        let asked = self.members.iter().map(|member| &member.asked);
        asked.map(|asked| asked.load(Ordering::Relaxed)).collect()
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for member in &self.members {
            member.server.abort();
        }
    }
}

// === impl Server ===

impl Server {
    async fn serve(mut self, port: u16, listener: TcpListener) {
        let mut listening = Some(listener);
        loop {
            let mood = *self.mood.borrow_and_update();
            if mood == Mood::Dead {
                listening = None;
            } else if listening.is_none() {
                listening = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.ok();
            }
            let accepted = async {
                match &listening {
                    Some(listener) => listener.accept().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                changed = self.mood.changed() => if changed.is_err() {
                    return;
                },
                accepted = accepted => if let Ok((stream, _)) = accepted {
                    tokio::spawn(self.clone().talk(stream));
                },
            }
        }
    }

    /// Ends when the mood changes.
    async fn talk(mut self, stream: TcpStream) {
        let mood = *self.mood.borrow_and_update();
        let mut changes = self.mood.clone();
        let talk = async {
            match mood {
                Mood::Well => drop(self.answer(stream).await),
                Mood::Dead => {}
                Mood::Hanging => {
                    let _open = stream;
                    pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = talk => {}
            _ = changes.changed() => {}
        }
    }

    /// Answers one request after the other.
    async fn answer(&self, stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = self.tls.accept(stream).await?;
        let mut head = Vec::new();
        loop {
            head.clear();
            while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD {
                // No request that is asked here has a body, and none is sent before its time.
                if stream.read_buf(&mut head).await? == 0 {
                    return Ok(());
                }
            }
            self.asked.fetch_add(1, Ordering::Relaxed);
            let text = String::from_utf8_lossy(&head);
            let documents = self.documents.borrow().clone();
            let answer = documents.answer(&text);
            drop(text);
            stream.write_all(&answer).await?;
        }
    }
}
