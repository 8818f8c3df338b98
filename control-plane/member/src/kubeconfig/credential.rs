//! The user of a kubeconfig as the gateway's own credential.

use std::path::PathBuf;

use cubegate_domain::ClusterCredential;
use kube::config::AuthInfo;
use secrecy::ExposeSecret;
use time::OffsetDateTime;

use crate::KubeconfigError;
use crate::kubeconfig::data::{self, FileAccess, Files};
use crate::kubeconfig::token;

/// A bearer token.
struct Token {
    text: String,
    /// Where it was read, unless it stands in the kubeconfig.
    file: Option<String>,
}

/// Takes the credential, refusing what the gateway cannot do by itself.
pub(super) fn read(
    user: &AuthInfo,
    files: &Files<'_>,
    now: OffsetDateTime,
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
    let credential = match (certificate, key) {
        (Some(certificate_pem), Some(key_pem)) => {
            // An API server asks the certificate first.
            if token.is_some() {
                warnings.push(
                    "the user has a client certificate and a token; the certificate is used"
                        .to_owned(),
                );
            }
            ClusterCredential::ClientCertificate {
                certificate_pem,
                key_pem,
            }
        }
        (Some(_), None) => {
            return Err(KubeconfigError::HalfIdentity {
                has: "client-certificate",
                lacks: "client-key",
            });
        }
        (None, Some(_)) => {
            return Err(KubeconfigError::HalfIdentity {
                has: "client-key",
                lacks: "client-certificate",
            });
        }
        (None, None) => match token {
            Some(token) => token.take(now, warnings)?,
            None => ClusterCredential::None,
        },
    };
    let has_password = is_some(user.username.as_deref())
        || is_some(user.password.as_ref().map(ExposeSecret::expose_secret));
    match &credential {
        ClusterCredential::None if has_password => {
            return Err(KubeconfigError::Credential {
                uses: "logs in with username and password, which API servers no longer take",
            });
        }
        ClusterCredential::None => warnings.push(
            "the user has no credential: the gateway reaches the cluster as anonymous, which may not impersonate anybody"
                .to_owned(),
        ),
        ClusterCredential::ClientCertificate { .. }
        | ClusterCredential::BearerToken(_)
        | ClusterCredential::TokenFile { .. }
            if has_password =>
        {
            warnings.push(
                "the user has a username and password, too, which the gateway does not use"
                    .to_owned(),
            );
        }
        ClusterCredential::ClientCertificate { .. }
        | ClusterCredential::BearerToken(_)
        | ClusterCredential::TokenFile { .. } => {}
    }
    Ok(credential)
}

/// Whether a text is there and says something.
fn is_some(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn refuse_unsupported(user: &AuthInfo) -> Result<(), KubeconfigError> {
    let exec = user.exec.as_ref();
    let provider = user.auth_provider.as_ref();
    let uses = if exec.is_some_and(|exec| is_some(exec.command.as_deref())) {
        "gets its credential from an exec plugin"
    } else if provider.is_some_and(|provider| !provider.name.is_empty()) {
        "gets its credential from an auth-provider plugin"
    } else if is_some(user.impersonate.as_deref())
        || is_some(user.impersonate_uid.as_deref())
        || user
            .impersonate_groups
            .as_ref()
            .is_some_and(|groups| !groups.is_empty())
        || user
            .impersonate_user_extra
            .as_ref()
            .is_some_and(|extra| !extra.is_empty())
    {
        "acts as somebody else (as, as-groups), which the gateway does itself for each request"
    } else {
        return Ok(());
    };
    Err(KubeconfigError::Credential { uses })
}

fn token(user: &AuthInfo, files: &Files<'_>) -> Result<Option<Token>, KubeconfigError> {
    let inline = user.token.as_ref().map(ExposeSecret::expose_secret);
    let file = user.token_file.as_deref().filter(|file| !file.is_empty());
    let token = match (inline.filter(|token| !token.is_empty()), file) {
        (Some(token), _) => Token {
            text: token.to_owned(),
            file: None,
        },
        (None, Some(file)) => {
            let read = data::read_file("tokenFile", file, files)?;
            Token {
                text: read.text.trim().to_owned(),
                file: Some(read.path.display().to_string()),
            }
        }
        (None, None) => return Ok(None),
    };
    token.check_form()?;
    Ok(Some(token))
}

/// Reads a token again from its file.
///
/// # Errors
/// One sentence, without anything of the token; see [`KubeconfigError`].
pub fn read_token_file(path: &str, now: OffsetDateTime) -> Result<String, KubeconfigError> {
    let files = FileAccess::RelativeTo(PathBuf::new());
    let read = data::read_file("tokenFile", path, &Files::new(&files))?;
    let token = Token {
        text: read.text.trim().to_owned(),
        file: None,
    };
    token.check_form()?;
    token::check(&token.text, now, &mut Vec::new())?;
    Ok(token.text)
}

// === impl Token ===

impl Token {
    /// It becomes a header of every request.
    fn check_form(&self) -> Result<(), KubeconfigError> {
        if self.text.is_empty() || !self.text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KubeconfigError::Token);
        }
        Ok(())
    }

    /// Returns it as a credential, and warns of its end.
    fn take(
        self,
        now: OffsetDateTime,
        warnings: &mut Vec<String>,
    ) -> Result<ClusterCredential, KubeconfigError> {
        let Self { text, file } = self;
        let Some(file) = file else {
            token::check(&text, now, warnings)?;
            return Ok(ClusterCredential::BearerToken(text));
        };
        // That it ends soon is what it is in a file for.
        token::check(&text, now, &mut Vec::new())?;
        warnings.push(format!(
            "the token is what {file} (tokenFile) holds; control planes read it again several times a minute, where they find it under that path"
        ));
        Ok(ClusterCredential::TokenFile { file, token: text })
    }
}
