//! `cubegate keys rotate`

use anyhow::{Context as _, bail};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::args::{DataArgs, KeysRotateArgs, Rotated, RotationStep};
use crate::commands::audit::changing_files;
use crate::data_dir::{DataDir, write_secret};
use crate::keys::{CaRotation, Keys, Role};
use crate::{commands, output};

/// How often a `cubegate node renew --watch` asks which CAs are trusted.
const ASKED: Duration = Duration::HOUR;

pub(super) async fn run(args: &KeysRotateArgs) -> anyhow::Result<()> {
    let KeysRotateArgs {
        what,
        step,
        now,
        data,
    } = args;
    let folder = DataDir::at(&data.dir);
    let keys = folder.keys().as_they_are();
    match what {
        Rotated::Signing => signing(&keys, *step, *now, data).await,
        Rotated::XdsCa => xds_ca(&keys, *step, *now, data).await,
    }
}

async fn signing(
    keys: &Keys,
    step: RotationStep,
    at_once: bool,
    data: &DataArgs,
) -> anyhow::Result<()> {
    let mut file = super::read_signing(keys)?;
    let now = OffsetDateTime::now_utc();
    let told = match step {
        RotationStep::Add => {
            file.add(now)?;
            "there is a next signing key, which control planes take within 10 s and Envoys soon after; go on with `use` in a minute"
        }
        RotationStep::Use => {
            file.use_next(now, at_once)?;
            "tokens are signed with the new key within 10 s, and those of the old one are good until they end; then `drop` it"
        }
        RotationStep::Drop => {
            let told = match file.role() {
                Some(Role::Next) => "the next signing key is gone; it has signed nothing",
                _ => "tokens of the old signing key are refused within 10 s",
            };
            // Only asked where it matters: the database may be elsewhere.
            if !at_once && file.role() == Some(Role::Old) {
                let store = commands::open(data).await.context(
                    "how long tokens live stands in the database; --now does without it",
                )?;
                let longest = Duration::seconds(store.lifetimes().any.cast_signed());
                if let Some(end) = file.dropped_at(longest, now)?.filter(|end| now < *end) {
                    bail!(
                        "tokens of the old signing key may live until {}; wait, or give --now to refuse them",
                        end.format(&Rfc3339)?
                    );
                }
            } else {
                file.dropped_at(Duration::ZERO, now)?;
            }
            file.drop_other();
            told
        }
    };
    changing_files(step.verb(), "signing-keys", data, || {
        write_secret(&keys.signing_key_path(), file.to_text().as_bytes())
    })
    .await?;
    output::line(told);
    Ok(())
}

async fn xds_ca(
    keys: &Keys,
    step: RotationStep,
    at_once: bool,
    data: &DataArgs,
) -> anyhow::Result<()> {
    let rotation = CaRotation::of(keys)?;
    let now = OffsetDateTime::now_utc();
    let told = match step {
        RotationStep::Add => {
            "there is a next xDS CA, which control planes trust within 10 s; then let every Envoy's machine run `cubegate node renew` (with --watch it does within an hour), and go on with `use`"
        }
        RotationStep::Use => {
            let known = rotation.since()? + ASKED;
            if rotation.has_next() && now < known && !at_once {
                bail!(
                    "Envoys may not know the next xDS CA yet; wait until {}, or give --now when each machine has run `cubegate node renew`",
                    known.format(&Rfc3339)?
                );
            }
            "the new xDS CA signs within 10 s; `drop` the old one when every Envoy has a new certificate, by itself or by `cubegate node renew`"
        }
        RotationStep::Drop => {
            if !rotation.has_next() && rotation.trusted()? > 1 && !at_once {
                let signs = rotation.since()?;
                let store = commands::open(data).await.context(
                    "which certificates Envoys have stands in the database; --now does without it",
                )?;
                let nodes = store.list_nodes().await?;
                let behind: Vec<_> = nodes
                    .iter()
                    .filter(|node| {
                        !node.is_revoked()
                            && node.certificate.expires_at > now
                            && node.certificate.issued_at <= signs
                    })
                    .map(|node| node.certificate.node.as_str())
                    .collect();
                if !behind.is_empty() {
                    bail!(
                        "{} still has a certificate of the old xDS CA; run `cubegate node renew` there, or give --now to shut it out",
                        behind.join(", ")
                    );
                }
            }
            "the other xDS CA is trusted no more within 10 s"
        }
    };
    changing_files(step.verb(), "xds-cas", data, || match step {
        RotationStep::Add => rotation.add(),
        RotationStep::Use => rotation.use_next(),
        RotationStep::Drop => rotation.drop_other(keys),
    })
    .await?;
    output::line(told);
    Ok(())
}

// === impl RotationStep ===

impl RotationStep {
    /// As a record of it says.
    fn verb(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Use => "use",
            Self::Drop => "drop",
        }
    }
}
