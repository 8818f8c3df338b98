//! Why a kubeconfig is refused. Clients see these sentences: they hold names and
//! paths of the kubeconfig, never its data.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a kubeconfig is refused, and what to do about it.
#[derive(Debug, Error)]
pub enum KubeconfigError {
    /// It is not the YAML or JSON of a kubeconfig.
    #[error(
        "the kubeconfig is not valid YAML or JSON of kind Config{place}; check it with `kubectl config view`"
    )]
    Parse {
        /// ` (line 3, column 7)`, or empty.
        place: String,
    },
    /// No context was asked for, and it names none.
    #[error(
        "the kubeconfig has no current-context; say which context to use{}",
        list(known)
    )]
    NoCurrentContext {
        /// The contexts there are.
        known: Vec<String>,
    },
    /// The context is not in it.
    #[error("the kubeconfig has no context {name:?}{}", list(known))]
    NoSuchContext {
        /// The one that was asked for.
        name: String,
        /// The contexts there are.
        known: Vec<String>,
    },
    /// The context names a cluster or user that is not in it.
    #[error(
        "context {context:?} names the {kind} {name:?}, which the kubeconfig does not hold; export it with `kubectl config view --raw --minify --flatten`"
    )]
    Missing {
        /// `cluster` or `user`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The context.
        context: String,
    },
    /// The server URL cannot be used.
    #[error("the server of the kubeconfig {problem}; give it as https://HOST:PORT")]
    Server {
        /// What is wrong with it.
        problem: String,
    },
    /// `insecure-skip-tls-verify`.
    #[error(
        "the kubeconfig sets insecure-skip-tls-verify; the gateway always verifies API servers: remove it and give certificate-authority-data instead"
    )]
    InsecureSkipTlsVerify,
    /// `proxy-url`.
    #[error(
        "the kubeconfig sets proxy-url; the gateway connects to API servers directly: remove it and give a server that it can reach"
    )]
    ProxyUrl,
    /// `exec`, `auth-provider`, a password, or impersonation.
    #[error(
        "the user of the kubeconfig {uses}; the gateway needs a credential of its own: give a service-account token or a client certificate"
    )]
    Credential {
        /// What it uses.
        uses: &'static str,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error("the user of the kubeconfig has a {has} but no {lacks}; give both")]
    HalfIdentity {
        /// What is there.
        has: &'static str,
        /// What is not.
        lacks: &'static str,
    },
    /// `…-data` is not base64.
    #[error("{field}-data of the kubeconfig is not base64; encode the PEM file with `base64 -w0`")]
    Base64 {
        /// The field without `-data`.
        field: &'static str,
    },
    /// What should be PEM is none.
    #[error(
        "{field} of the kubeconfig holds no PEM {what}; give the file that begins with -----BEGIN"
    )]
    Pem {
        /// The field.
        field: &'static str,
        /// `certificate` or `private key`.
        what: &'static str,
    },
    /// A private key under a passphrase.
    #[error(
        "{field} of the kubeconfig is under a passphrase, which nobody can give the gateway; write it without one: openssl pkey -in KEY -out PLAIN"
    )]
    EncryptedKey {
        /// The field.
        field: &'static str,
    },
    /// A client key on a curve that only Envoy knows.
    #[error(
        "the client-key of the kubeconfig is an ECDSA key on P-521, which the control plane's TLS library does not know; give one of RSA, P-256, P-384 or Ed25519"
    )]
    P521Key,
    /// A token that does not fit into a header.
    #[error(
        "the token of the kubeconfig is empty or holds blanks or control characters; copy it again"
    )]
    Token,
    /// A token whose time is over.
    #[error("the token of the kubeconfig has ended at {at}; give a new one")]
    TokenEnded {
        /// When, as RFC 3339 writes it.
        at: String,
    },
    /// It points to a file, and files may not be read here.
    #[error(
        "{field} of the kubeconfig points to a file, which the gateway does not read; put the content in with `kubectl config view --raw --minify --flatten`"
    )]
    FileRefused {
        /// The field.
        field: &'static str,
    },
    /// A file that it points to cannot be read.
    #[error("{field} of the kubeconfig points to {path}, which cannot be read: {source}")]
    File {
        /// The field.
        field: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The TLS library does not take the certificates or the key.
    #[error(
        "the certificates of the kubeconfig cannot be used: {reason}; export them again with `kubectl config view --raw --minify --flatten`"
    )]
    Tls {
        /// What the library says.
        reason: String,
    },
}

// === impl KubeconfigError ===

impl KubeconfigError {
    /// The parser's own text quotes the source, keys included, so only the place
    /// is taken from it.
    pub(super) fn parse(error: &kube::config::KubeconfigError) -> Self {
        let place = match error {
            kube::config::KubeconfigError::Parse(error) => error
                .location()
                .map(|at| format!(" (line {}, column {})", at.line(), at.column()))
                .unwrap_or_default(),
            _ => String::new(),
        };
        Self::Parse { place }
    }

    pub(super) fn missing(kind: &'static str, name: &str, context: &str) -> Self {
        Self::Missing {
            kind,
            name: name.to_owned(),
            context: context.to_owned(),
        }
    }
}

fn list(known: &[String]) -> String {
    if known.is_empty() {
        "; it holds no context at all".to_owned()
    } else {
        format!("; it holds: {}", known.join(", "))
    }
}
