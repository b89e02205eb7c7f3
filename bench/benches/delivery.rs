//! From the bytes of a request to the event that is recorded.

use std::hint::black_box;

use bench::SignedDelivery;
use criterion::{Criterion, criterion_group, criterion_main};

fn delivery(c: &mut Criterion) {
    let delivery = SignedDelivery::default();
    c.bench_function("verify and parse 2 KiB", |b| {
        b.iter(|| black_box(&delivery).verify_and_parse());
    });
}

criterion_group!(benches, delivery);
criterion_main!(benches);
