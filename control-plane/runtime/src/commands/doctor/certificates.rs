//! Certificates, and how many days they have left.

use std::path::Path;

use cubegate_domain::ClusterCredential;
use cubegate_store::Store;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::{Duration, OffsetDateTime};
use x509_parser::parse_x509_certificate;

use super::report::Report;
use crate::data_dir::DataDir;
use crate::output::sentence;
use crate::pki::{self, Ca};

const CHECK: &str = "certificates";

/// From when on the end of a certificate is told.
const SOON: Duration = Duration::days(21);
const SOON_FOR_A_CA: Duration = Duration::days(180);

/// Those that are files: the CA of xDS, and the listener's.
pub(super) fn check_files(report: &mut Report, folder: &DataDir, given: Option<(&Path, &Path)>) {
    if let Ok(ca) = Ca::xds_if_there(folder.keys()) {
        match ca.trusted() {
            Ok(trusted) => {
                for ca in trusted {
                    let name = match ca.signs {
                        true => "the xDS CA",
                        false => "the other xDS CA",
                    };
                    left(
                        report,
                        name,
                        ca.expires_at,
                        SOON_FOR_A_CA,
                        "replace it: \"The CA\" in docs/envoys.md",
                    );
                }
            }
            Err(error) => report.fail(CHECK, sentence(&error)),
        }
    }
    if let Some((certificate, key)) = given {
        match pki::given_certificate(certificate, key) {
            Ok(read) => pem(
                report,
                "the listener's certificate",
                &read.certificate_pem,
                "replace both files, which is enough",
            ),
            Err(error) => report.fail(CHECK, sentence(&error)),
        }
        return;
    }
    let own = std::fs::read_dir(folder.join("pki"))
        .into_iter()
        .flatten()
        .flatten();
    for file in own {
        let name = file.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with("gateway-") || !name.ends_with(".crt") {
            continue;
        }
        if let Ok(text) = std::fs::read_to_string(file.path()) {
            let advice = "remove the file and its key, and start the control plane again";
            pem(
                report,
                &format!("the certificate {}", file.path().display()),
                &text,
                advice,
            );
        }
    }
}

/// Those in the database: of Envoys, and of the gateway at its members.
pub(super) async fn check_stored(report: &mut Report, store: &Store) -> anyhow::Result<()> {
    let now = OffsetDateTime::now_utc();
    for node in store.list_nodes().await? {
        if node.is_revoked() {
            continue;
        }
        let certificate = &node.certificate;
        let name = format!("the certificate of the Envoy {}", certificate.node);
        let advice = format!(
            "`cubegate node renew` on its machine; when it has ended, `cubegate bootstrap --node-id {} --write-certs DIR`",
            certificate.node
        );
        // Until two thirds of its life are over there is nothing to do.
        let late = certificate.renew_at() + (certificate.expires_at - certificate.renew_at()) / 4;
        let soon = if now < late { Duration::ZERO } else { SOON };
        left(report, &name, certificate.expires_at, soon, &advice);
    }
    for cluster in store.list_clusters().await? {
        if let ClusterCredential::ClientCertificate {
            certificate_pem, ..
        } = &cluster.credential
        {
            let name = format!("the gateway's certificate at cluster {}", cluster.name);
            let advice = format!(
                "`cubegate cluster add {} --replace --kubeconfig FILE` with a new one",
                cluster.name
            );
            pem(report, &name, certificate_pem, &advice);
        }
    }
    Ok(())
}

fn pem(report: &mut Report, name: &str, text: &str, advice: &str) {
    let end = CertificateDer::from_pem_slice(text.as_bytes())
        .ok()
        .and_then(|der| {
            let (_, certificate) = parse_x509_certificate(&der).ok()?;
            Some(certificate.validity().not_after.to_datetime())
        });
    match end {
        Some(end) => left(report, name, end, SOON, advice),
        None => report.fail(CHECK, format!("{name} cannot be read; {advice}")),
    }
}

fn left(report: &mut Report, name: &str, end: OffsetDateTime, soon: Duration, advice: &str) {
    let left = end - OffsetDateTime::now_utc();
    let days = left.whole_days();
    if left <= Duration::ZERO {
        report.fail(CHECK, format!("{name} has ended; {advice}"));
    } else if left < soon {
        report.warn(CHECK, format!("{name} ends in {days} days; {advice}"));
    } else {
        report.ok(CHECK, format!("{name} is good for {days} days"));
    }
}
