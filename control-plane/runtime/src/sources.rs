//! Where clusters come from while a control plane serves, beside the API and the command line:
//! each source has a file of its own below, and [`keeper`] registers what they have.
//!
//! ```text
//! a folder of kubeconfigs ────────> folder ────┐
//! KubeCube's Cluster objects ─────> kubecube ──┼─> Keeper ──> the database ──> as any cluster
//! KubeSphere's Cluster objects ───> kubesphere ┘
//! ```
//!
//! Beside them `token_files` follows the tokens that stand in files, of clusters that were added by
//! hand.
//!
//! What a source has made it alone changes and removes (`cubegate_store`), and what is not its own
//! it does not touch. A source that is away removes nothing.

mod folder;
mod keeper;
mod kubecube;
mod kubesphere;
mod objects;
mod record;
mod token_files;
mod told;

use std::collections::BTreeSet;

use cubegate_api::AppState;
use cubegate_domain::ClusterSource;
use cubegate_member::ObjectKind;
use futures::future::{OptionFuture, join_all};

use self::keeper::Keeper;
use self::objects::Objects;
use crate::args::{Product, SourcesArgs};

/// Most clusters of one source.
const MAX_CLUSTERS: usize = 5_000;

/// Longest kubeconfig, in bytes.
const MAX_KUBECONFIG: u64 = 256 << 10;

/// Longest that all kubeconfigs of one source may be together, in bytes.
const MAX_KUBECONFIGS: u64 = 64 << 20;

/// Follows those that were asked for, and the files of tokens, until it is stopped.
pub(crate) fn follow(args: &SourcesArgs, state: &AppState) -> impl Future<Output = ()> + use<> {
    let SourcesArgs {
        clusters_dir,
        clusters_from,
    } = args.clone();
    let (store, addresses) = (state.store.clone(), state.cluster_addresses.clone());
    let products: BTreeSet<_> = clusters_from.into_iter().collect();
    async move {
        let keeper = |source| Keeper::new(store.clone(), source);
        let folder = clusters_dir.map(|path| folder::follow(path, keeper(ClusterSource::Folder)));
        let objects = products.into_iter().map(|product| {
            let (shape, source) = match product {
                Product::KubeCube => (kubecube::SHAPE, ClusterSource::KubeCube),
                Product::KubeSphere => (kubesphere::SHAPE, ClusterSource::KubeSphere),
            };
            Objects::new(shape, store.clone(), addresses.clone(), keeper(source)).follow()
        });
        let tokens = token_files::follow(store.clone());
        tokio::join!(OptionFuture::from(folder), join_all(objects), tokens);
    }
}

/// Returns which objects those of a product are.
pub(crate) fn kind_of(product: Product) -> ObjectKind {
    match product {
        Product::KubeCube => kubecube::SHAPE.kind,
        Product::KubeSphere => kubesphere::SHAPE.kind,
    }
}
