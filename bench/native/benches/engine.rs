//! The list engine natively, and a tree beside it, on the same list.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use cubegate_bench_workload::names::{ENGINE, GROUP, TREE};
use cubegate_bench_workload::{CHUNK, PodList, QUERY, page, tree_page};

/// Queries whose rows are for information, with their names.
const OTHER_QUERIES: [(&str, &str); 4] = [
    ("by-name", "sortName=metadata.name&pageSize=10"),
    (
        "label-selector",
        "selector=metadata.labels.environment=production&pageSize=10",
    ),
    (
        "deep-path",
        "selector=status.containerStatuses.state.waiting.reason~BackOff&pageSize=10",
    ),
    ("page-50", "sortName=metadata.name&pageSize=10&pageNum=50"),
];

fn list(criterion: &mut Criterion) {
    let list = PodList::default().to_json();
    let mut group = criterion.benchmark_group(GROUP);
    group
        .throughput(Throughput::Bytes(list.len() as u64))
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5));
    // Next to each other, as their ratio is what is asked for.
    group.bench_function(ENGINE, |bencher| {
        bencher.iter(|| page(QUERY, black_box(&list), CHUNK));
    });
    group
        .sample_size(10)
        .bench_function(TREE, |bencher| bencher.iter(|| tree_page(black_box(&list))));
    for (name, chunk) in [("engine-64k", 64 << 10), ("engine-whole", list.len())] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| page(QUERY, black_box(&list), chunk));
        });
    }
    for (name, query) in OTHER_QUERIES {
        group.bench_function(format!("engine-16k-{name}"), |bencher| {
            bencher.iter(|| page(query, black_box(&list), CHUNK));
        });
    }
    group.finish();
}

criterion_group!(benches, list);
criterion_main!(benches);
