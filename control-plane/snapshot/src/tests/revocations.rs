//! What is refused, as plugins of their own.

use cubegate_filter_config::{Epochs, Frame, Mark, RevocationKind, RevocationPart};

use super::*;

#[test]
fn what_is_refused_comes_to_the_filters_vm_and_changes_nothing_else() {
    let state = mk_state(vec![mk_cluster(
        "m",
        "https://10.0.0.1:6443",
        certificate(),
    )]);
    let without = state.snapshot(&mut Made::default()).unwrap();
    let mut with = without.clone();
    let mut epochs = Epochs::default();
    epochs.raise_user("jeff", 2);
    let part = RevocationPart::of_mark(RevocationKind::Epochs, &Mark::of("jeff"));
    let parts = epochs.to_parts();
    let (_, document) = parts.iter().find(|(of, _)| *of == part).unwrap();
    let resource = crate::revocations(part, document);
    with.insert_revocations(part, Arc::new(resource));
    let waits_for_none = |name: &str| {
        let resource = with.get(ResourceType::ExtensionConfig, name);
        resource.unwrap().stands_alone
    };
    assert!(waits_for_none(&part.filter_name()));
    assert!(!waits_for_none(FILTER_NAME));
    let carrier = plugin_of(&with, &part.filter_name());
    assert_eq!(carrier.root_id, part.filter_name());
    let frame = frame_of(carrier);
    assert_eq!(Frame::parse(&frame).unwrap().document, *document);
    for kind in ResourceType::ALL {
        for (name, resource) in without.all(kind) {
            assert_eq!(with.get(kind, name), Some(resource), "{kind:?} {name}");
        }
    }
}
