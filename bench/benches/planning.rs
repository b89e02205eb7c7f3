//! From the list of all stacks to the chain.

use bench::{account, graph_and_chain};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

fn planning(c: &mut Criterion) {
    let mut group = c.benchmark_group("graph and chain");
    group.sample_size(10);
    for stacks in [1_000, 10_000, 100_000] {
        let account = account(stacks);
        group.bench_function(BenchmarkId::from_parameter(stacks), |b| {
            b.iter_batched(|| account.clone(), graph_and_chain, BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
