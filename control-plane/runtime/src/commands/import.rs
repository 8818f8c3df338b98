//! `cubegate import FILE | --from-kubecube KUBECONFIG`

mod file;
mod kubecube;
mod report;

use crate::args::ImportArgs;

pub(crate) async fn run(args: ImportArgs) -> anyhow::Result<()> {
    let ImportArgs {
        file,
        kubecube,
        data,
    } = args;
    match file {
        Some(file) => file::run(&file, &data).await,
        None => kubecube::run(kubecube, &data).await,
    }
}
