//! One file per subcommand.

pub(crate) mod audit;
pub(crate) mod bootstrap;
pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod credential;
pub(crate) mod doctor;
pub(crate) mod envoys;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod kubeconfig;
pub(crate) mod kubernetes;
pub(crate) mod man;
pub(crate) mod migrate;
pub(crate) mod node;
pub(crate) mod render;
pub(crate) mod serve;
pub(crate) mod tokens;
pub(crate) mod up;
pub(crate) mod user;

use cubegate_store::Store;
use rand::Rng as _;

use crate::args::DataArgs;
use crate::data_dir::{DataDir, Missing};

/// Opens the database of a gateway that there is. A running control plane hears of
/// what is changed there.
async fn open(data: &DataArgs) -> anyhow::Result<Store> {
    let database = data.database()?;
    let data = match &database {
        // Of the folder the master key alone is needed, which is told if it is missing.
        Some(_) => DataDir::at(&data.dir),
        None => DataDir::of_gateway(&data.dir)?,
    };
    data.store(database, Missing::Refuse).await
}

/// A password that nobody guesses and everybody can type: 20 of letters and
/// digits that cannot be mistaken for one another.
pub(crate) fn generate_password() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyzACDEFGH23";
    let mut random = [0_u8; 20];
    rand::rng().fill_bytes(&mut random);
    let letter = |byte: &u8| {
        ALPHABET
            .get(usize::from(byte % 32))
            .copied()
            .map_or('x', char::from)
    };
    random.iter().map(letter).collect()
}

/// Returns when no token that was made until now is taken any more, whatever lifetimes the
/// servers were started with: a kubeconfig's token may live for a year.
pub(crate) fn revoked_until() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc() + cubegate_store::MAX_TOKEN_LIFETIME
}
