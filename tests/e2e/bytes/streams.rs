//! Watches that end by themselves: their events from the first to the last.

use super::*;
use crate::support::in_the_world;

#[test]
fn a_watch_begins_and_ends_as_the_api_servers_own() -> Result<()> {
    in_the_world(async |world| {
        let (pair, objects) = (Pair::admin(world).await?, Objects::new(world).await?);
        let maps = objects.core("configmaps");
        let mut cases = Vec::new();
        for encoding in [
            "application/json",
            "application/json;stream=watch",
            "application/vnd.kubernetes.protobuf;stream=watch",
            "application/vnd.kubernetes.protobuf",
            "application/json;as=Table;v=v1;g=meta.k8s.io",
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            "application/yaml",
        ] {
            for query in [
                "watch=1&resourceVersion=0&fieldSelector=metadata.name%3Da",
                "watch=true&fieldSelector=metadata.name%3Dnone",
            ] {
                let path = format!("{maps}?{query}&timeoutSeconds=1");
                cases.push(Case::get(&path, None).accept(encoding));
            }
        }
        let old = format!(
            "/api/v1/watch/namespaces/{}/configmaps/a?timeoutSeconds=1",
            objects.namespace
        );
        cases.push(Case::get(&old, 200));
        pair.check(&cases).await?;
        Ok(())
    })
}
