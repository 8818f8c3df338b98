//! The user of a kubeconfig as the gateway's own credential.

use cubegate_domain::ClusterCredential;
use kube::config::AuthInfo;
use secrecy::ExposeSecret;

use crate::KubeconfigError;
use crate::kubeconfig::data::{self, FileAccess};

/// Takes the credential, refusing what the gateway cannot do by itself.
pub(super) fn read(
    user: &AuthInfo,
    files: &FileAccess,
    warnings: &mut Vec<String>,
) -> Result<ClusterCredential, KubeconfigError> {
    refuse_unsupported(user)?;
    let certificate = data::certificates(
        "client-certificate",
        user.client_certificate_data.as_deref(),
        user.client_certificate.as_deref(),
        files,
    )?;
    let key = data::private_key(
        "client-key",
        user.client_key_data
            .as_ref()
            .map(ExposeSecret::expose_secret),
        user.client_key.as_deref(),
        files,
    )?;
    let token = token(user, files)?;
    match (certificate, key) {
        (Some(certificate_pem), Some(key_pem)) => {
            // An API server asks the certificate first.
            if token.is_some() {
                warnings.push(
                    "the user has a client certificate and a token; the certificate is used"
                        .to_owned(),
                );
            }
            Ok(ClusterCredential::ClientCertificate {
                certificate_pem,
                key_pem,
            })
        }
        (Some(_), None) => Err(KubeconfigError::HalfIdentity {
            has: "client-certificate",
            lacks: "client-key",
        }),
        (None, Some(_)) => Err(KubeconfigError::HalfIdentity {
            has: "client-key",
            lacks: "client-certificate",
        }),
        (None, None) => Ok(match token {
            Some(token) => ClusterCredential::BearerToken(token),
            None => {
                warnings.push(
                    "the user has no credential: the gateway reaches the cluster as anonymous, which may not impersonate anybody"
                        .to_owned(),
                );
                ClusterCredential::None
            }
        }),
    }
}

fn refuse_unsupported(user: &AuthInfo) -> Result<(), KubeconfigError> {
    let uses = if user.exec.is_some() {
        "gets its credential from an exec plugin"
    } else if user.auth_provider.is_some() {
        "gets its credential from an auth-provider plugin"
    } else if user.username.is_some() || user.password.is_some() {
        "logs in with username and password, which API servers no longer take"
    } else if user.impersonate.is_some()
        || user.impersonate_uid.is_some()
        || user.impersonate_groups.is_some()
        || user.impersonate_user_extra.is_some()
    {
        "acts as somebody else (as, as-groups), which the gateway does itself for each request"
    } else {
        return Ok(());
    };
    Err(KubeconfigError::Credential { uses })
}

fn token(user: &AuthInfo, files: &FileAccess) -> Result<Option<String>, KubeconfigError> {
    let inline = user
        .token
        .as_ref()
        .map(ExposeSecret::expose_secret)
        .filter(|t| !t.is_empty());
    let token = match (
        inline,
        user.token_file.as_deref().filter(|file| !file.is_empty()),
    ) {
        (Some(token), _) => token.to_owned(),
        (None, Some(file)) => data::read_file("tokenFile", file, files)?.trim().to_owned(),
        (None, None) => return Ok(None),
    };
    // It becomes a header of every request.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KubeconfigError::Token);
    }
    Ok(Some(token))
}
