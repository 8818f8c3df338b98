//! Why an API server is not usable, each cause with its own advice.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError};
use thiserror::Error;

use crate::client::innermost;

/// Why an API server is not usable. Clients see these sentences.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// The host name does not resolve.
    #[error(
        "the name {host} is not found; check the server of the kubeconfig and the DNS of the gateway's machine"
    )]
    NameNotFound {
        /// The name.
        host: String,
    },
    /// Nobody listens there.
    #[error("{server} refuses connections; check the port and that the API server is running")]
    Refused {
        /// The server URL.
        server: String,
    },
    /// No answer in time.
    #[error(
        "{server} does not answer within 5 seconds; check that the gateway's machine reaches it (firewall, address)"
    )]
    TimedOut {
        /// The server URL.
        server: String,
    },
    /// Its certificate is not from the given CA.
    #[error(
        "the certificate of {server} is not signed by the given CA; give the cluster's CA in certificate-authority-data"
    )]
    NotTrusted {
        /// The server URL.
        server: String,
    },
    /// Its certificate is for another name.
    #[error(
        "the certificate of {server} is not for that name; use a name from the certificate or set tls-server-name"
    )]
    WrongName {
        /// The server URL.
        server: String,
    },
    /// Its certificate is out of date.
    #[error(
        "the certificate of {server} has expired or is not valid yet; renew it, or set the clock of the gateway's machine"
    )]
    CertificateExpired {
        /// The server URL.
        server: String,
    },
    /// No version, key or algorithm of TLS that both sides speak.
    #[error(
        "{server} and the control plane have no TLS in common ({reason}); the control plane speaks TLS 1.2 and 1.3, with keys of RSA, P-256, P-384 and Ed25519"
    )]
    NothingInCommon {
        /// The server URL.
        server: String,
        /// What the TLS library says.
        reason: String,
    },
    /// TLS fails in another way.
    #[error("no TLS connection to {server}: {reason}")]
    Tls {
        /// The server URL.
        server: String,
        /// What the TLS library says.
        reason: String,
    },
    /// 401.
    #[error(
        "{server} does not accept the credential (401); the token or client certificate is wrong or has expired"
    )]
    Unauthorized {
        /// The server URL.
        server: String,
    },
    /// 403.
    #[error(
        "{server} knows the credential but forbids it GET /version (403); bind its user to the ClusterRole system:public-info-viewer"
    )]
    Forbidden {
        /// The server URL.
        server: String,
    },
    /// It answers, but not as an API server.
    #[error("{server} answers, but not as a Kubernetes API server: {reason}")]
    NotKubernetes {
        /// The server URL.
        server: String,
        /// What it answered.
        reason: String,
    },
    /// The connection breaks.
    #[error("no connection to {server}: {reason}")]
    Connection {
        /// The server URL.
        server: String,
        /// What the system says.
        reason: String,
    },
    /// The client cannot be made from the cluster's settings.
    #[error("the settings of {server} cannot be used: {reason}")]
    Configuration {
        /// The server URL.
        server: String,
        /// What is wrong with them.
        reason: String,
    },
}

// === impl ProbeError ===

impl ProbeError {
    /// Returns what is to be warned of when Envoys decide instead of the control plane: it
    /// is its own TLS that does not reach the server, and theirs knows more. `None` for what
    /// is nobody's to overcome.
    pub fn left_to_envoys(&self) -> Option<String> {
        match self {
            Self::NothingInCommon { .. } => Some(format!(
                "{self}; so it is left to the Envoys whether the cluster answers, what the credential may do is not known, and what the control plane reads itself (KubeSphere's lists, clusters/info) is missing"
            )),
            _ => None,
        }
    }

    pub(crate) fn from_kube(server: &str, error: &kube::Error) -> Self {
        let server = server.to_owned();
        match error {
            kube::Error::Api(status) => match status.code {
                401 => Self::Unauthorized { server },
                403 => Self::Forbidden { server },
                code => Self::NotKubernetes {
                    server,
                    reason: format!("GET /version gives {code}"),
                },
            },
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Self::NotKubernetes {
                server,
                reason: "GET /version gives no version".to_owned(),
            },
            _ => Self::from_cause(server, error),
        }
    }

    fn from_cause(server: String, error: &(dyn StdError + 'static)) -> Self {
        if let Some(tls) = find::<rustls::Error>(error) {
            return Self::from_tls(server, tls);
        }
        match find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Self::Refused { server },
            Some(io::ErrorKind::TimedOut) => Self::TimedOut { server },
            _ => Self::Connection {
                server,
                reason: innermost(error),
            },
        }
    }

    fn from_tls(server: String, error: &rustls::Error) -> Self {
        let reason = error.to_string();
        let certificate = match error {
            rustls::Error::InvalidCertificate(certificate) => certificate,
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion,
            ) => return Self::NothingInCommon { server, reason },
            _ => return Self::Tls { server, reason },
        };
        match certificate {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Self::NotTrusted { server }
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName { server }
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::CertificateExpired { server },
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                Self::NothingInCommon { server, reason }
            }
            _ => Self::Tls { server, reason },
        }
    }
}

/// Returns the first `E` among an error and its causes. An `io::Error` that carries
/// another error does not name it as its source, so it is opened by hand.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if inner.is_none()
            && let Some(found) = error.downcast_ref::<E>()
        {
            return Some(found);
        }
        next = match inner {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}
