use super::*;
use crate::rank::Key;

const NO_LIMIT: usize = usize::MAX;

fn rank(name: &str, arrival: u64) -> Rank<'_> {
    Rank {
        key: Key::Text(name.into()),
        more: Vec::new(),
        namespace: "".into(),
        name: name.into(),
        arrival,
        descending: false,
    }
}

fn offer_all(heap: &mut PageHeap, names: &[&str]) -> Result<(), ListError> {
    (0..)
        .zip(names)
        .try_for_each(|(arrival, name)| heap.offer(rank(name, arrival), || name.as_bytes().into()))
}

fn page(offset: u64, limit: u64, names: &[&str]) -> Vec<String> {
    let mut heap = PageHeap::new(Page { offset, limit }, NO_LIMIT);
    offer_all(&mut heap, names).unwrap();
    let page = heap.into_page();
    assert_eq!(page.total, u64::try_from(names.len()).unwrap());
    page.items
        .into_iter()
        .map(|item| String::from_utf8(item.into()).unwrap())
        .collect()
}

#[test]
fn a_page_is_cut_from_the_sorted_list() {
    let names = ["d", "b", "e", "a", "c"];
    assert_eq!(page(0, 2, &names), ["a", "b"]);
    assert_eq!(page(2, 2, &names), ["c", "d"]);
    assert_eq!(page(4, 2, &names), ["e"]);
    assert!(page(5, 2, &names).is_empty());
    assert!(page(0, 0, &names).is_empty());
    assert_eq!(page(0, u64::MAX, &names), ["a", "b", "c", "d", "e"]);
    assert!(page(u64::MAX, 2, &names).is_empty());
}

#[test]
fn equal_items_stay_in_the_order_of_arrival() {
    let mut heap = PageHeap::new(
        Page {
            offset: 0,
            limit: 2,
        },
        NO_LIMIT,
    );
    for arrival in 0..9 {
        let item = [b'0' + u8::try_from(arrival).unwrap()];
        heap.offer(rank("x", arrival), || item.into()).unwrap();
    }
    let items = heap.into_page().items;
    assert_eq!(items, [b"0".as_slice().into(), b"1".as_slice().into()]);
}

#[test]
fn what_is_not_kept_takes_no_memory() {
    let mut heap = PageHeap::new(
        Page {
            offset: 0,
            limit: 2,
        },
        NO_LIMIT,
    );
    offer_all(&mut heap, &["a", "b"]).unwrap();
    let before = heap.held_bytes();
    offer_all(&mut heap, &["c"; 1000]).unwrap();
    assert_eq!(heap.held_bytes(), before);
}

#[test]
fn memory_of_replaced_items_is_given_back() {
    let mut heap = PageHeap::new(
        Page {
            offset: 0,
            limit: 1,
        },
        NO_LIMIT,
    );
    for name in ["zzzz", "yyy", "xx", "w"] {
        heap.offer(rank(name, 0), || name.as_bytes().into())
            .unwrap();
        assert_eq!(heap.payload, name.len() * 3);
    }
}

#[test]
fn a_page_beyond_the_budget_is_an_error_at_once() {
    let mut heap = PageHeap::new(
        Page {
            offset: 0,
            limit: 10,
        },
        2 * size_of::<Entry>(),
    );
    heap.offer(rank("a", 0), || b"a".as_slice().into()).unwrap();
    let refused = heap.offer(rank("b", 1), || b"b".as_slice().into());
    assert!(matches!(refused, Err(ListError::PageTooLarge { .. })));
}

#[test]
fn a_page_past_the_end_is_empty_even_beyond_the_budget() {
    let mut heap = PageHeap::new(
        Page {
            offset: 5,
            limit: 5,
        },
        size_of::<Entry>(),
    );
    offer_all(&mut heap, &["a", "b", "c", "d", "e"]).unwrap();
    assert_eq!(heap.total, 5);
    assert_eq!(heap.payload, 0);
    let refused = heap.offer(rank("f", 6), || b"f".as_slice().into());
    assert!(matches!(refused, Err(ListError::PageTooLarge { .. })));
}

#[test]
fn what_was_given_up_does_not_come_back() {
    let page = Page {
        offset: 5,
        limit: 1,
    };
    let mut heap = PageHeap::new(page, 5 * size_of::<Entry>() - 1);
    offer_all(&mut heap, &["a", "b", "c", "d", "e"]).unwrap();
    let refused = heap.offer(rank("f", 5), || b"f".as_slice().into());
    assert!(matches!(refused, Err(ListError::PageTooLarge { .. })));
}
