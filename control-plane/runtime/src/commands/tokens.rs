//! `cubegate tokens revoke`

use cubegate_token::Ed25519Signer;

use crate::args::TokensCommand;
use crate::commands::audit::changing_files;
use crate::data_dir::{DataDir, write_secret};
use crate::keys::SigningFile;
use crate::output;

pub(crate) async fn run(command: &TokensCommand) -> anyhow::Result<()> {
    let TokensCommand::Revoke { all: _, data } = command;
    let keys = DataDir::at(&data.dir).keys().as_they_are();
    // Only in the place of one that is there.
    keys.signing_keys("cubegate")?;
    let new = SigningFile::of(&Ed25519Signer::generate("cubegate").to_pem());
    changing_files("revoke", "tokens", data, || {
        write_secret(&keys.signing_key_path(), new.to_text().as_bytes())
    })
    .await?;
    output::line(
        "every token until now is refused within 10 s, where control planes read this file; give it to those that have a copy. Tokens under --jwt-hs256-secret end with another secret only",
    );
    Ok(())
}
