//! `cubegate keys init | list | rotate | reseal`

mod reseal;
mod rotate;

use std::fs;

use anyhow::Context as _;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::{KeysCommand, KeysListArgs};
use crate::data_dir::DataDir;
use crate::keys::{CaRotation, Keys, SigningFile};
use crate::output;
use crate::pki::Ca;

/// What is rotated, as it is now.
#[derive(Serialize)]
struct List {
    items: Vec<Item>,
    total: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    /// `signing` or `xds-ca`.
    kind: &'static str,
    /// The id in tokens, or the serial number of the certificate.
    id: String,
    /// `signs`, `next` or `old`.
    role: &'static str,
    /// Since when it is `next` or `old`, if that is known.
    since: Option<String>,
    /// When a CA ends.
    expires_at: Option<String>,
}

pub(crate) async fn run(command: &KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::Init { keys_dir } => init(keys_dir),
        KeysCommand::List(args) => list(args),
        KeysCommand::Reseal(data) => reseal::run(data).await,
        KeysCommand::Rotate(args) => rotate::run(args).await,
    }
}

fn init(keys_dir: &std::path::Path) -> anyhow::Result<()> {
    let made = Keys::init(keys_dir)?;
    if made.is_empty() {
        output::line(&format!(
            "{} has all keys; nothing was changed",
            keys_dir.display()
        ));
    } else {
        output::line(&format!(
            "made in {}: {}; keep a copy, without master.key the database is of no use",
            keys_dir.display(),
            made.join(", ")
        ));
    }
    Ok(())
}

fn list(args: &KeysListArgs) -> anyhow::Result<()> {
    let KeysListArgs { output, dir } = args;
    let folder = DataDir::at(dir);
    let keys = &folder.keys().as_they_are();
    let text = |time: OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
    let mut items = Vec::new();
    for (id, role, since) in read_signing(keys)?.list()? {
        items.push(Item {
            kind: "signing",
            id,
            role,
            since: since.map(text),
            expires_at: None,
        });
    }
    let rotation = CaRotation::of(keys)?;
    let ca = Ca::xds(keys)?;
    for trusted in ca.trusted()? {
        let role = match (trusted.signs, rotation.has_next()) {
            (true, _) => "signs",
            (false, true) => "next",
            (false, false) => "old",
        };
        let since = match trusted.signs {
            true => None,
            false => Some(text(rotation.since()?)),
        };
        items.push(Item {
            kind: "xds-ca",
            id: trusted.serial,
            role,
            since,
            expires_at: Some(text(trusted.expires_at)),
        });
    }
    let list = List {
        total: items.len(),
        items,
    };
    if output.format.print(&list)? {
        return Ok(());
    }
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let rows: Vec<_> = list
        .items
        .into_iter()
        .map(|item| {
            vec![
                item.kind.to_owned(),
                item.role.to_owned(),
                or_dash(item.since),
                or_dash(item.expires_at),
                item.id,
            ]
        })
        .collect();
    output::table(&["KIND", "ROLE", "SINCE", "EXPIRES", "ID"], &rows);
    Ok(())
}

/// Reads what is rotated of the signing keys.
fn read_signing(keys: &Keys) -> anyhow::Result<SigningFile> {
    let path = keys.signing_key_path();
    let text = fs::read_to_string(&path)
        .with_context(|| format!("the signing key {} cannot be read", path.display()))?;
    SigningFile::parse(&text)
        .with_context(|| format!("the signing key {} cannot be used", path.display()))
}
