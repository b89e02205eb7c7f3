//! Repeatable randomness: a draw depends only on a seed and on what it is for.

/// How often something happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chance {
    /// Every n-th time.
    Every(u64),
    /// Once in n times on average.
    OneIn { n: u64, seed: u64 },
}

impl Chance {
    /// Whether it happens the `count`-th time (from 1) for `what`. If so, returns a number to choose with.
    ///
    /// Each `what` has its own sequence, so that other kinds of requests in between change nothing.
    pub(crate) fn draw(&self, what: &str, count: u64) -> Option<u64> {
        match *self {
            Self::Every(n) => count.is_multiple_of(n.max(1)).then(|| count / n.max(1) - 1),
            Self::OneIn { n, seed } => {
                let number = mix(seed ^ mix(hash(what)) ^ mix(count));
                number.is_multiple_of(n.max(1)).then(|| mix(number))
            }
        }
    }
}

/// Chooses one of several by a drawn number.
pub(crate) fn choose<T>(from: &[T], number: u64) -> Option<&T> {
    let count = u64::try_from(from.len()).ok().filter(|count| *count > 0)?;
    from.get(usize::try_from(number % count).ok()?)
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The finalizer of `SplitMix64`.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Chance, choose};

    fn hits(chance: &Chance, what: &str) -> Vec<u64> {
        (1..=10_000)
            .filter(|&count| chance.draw(what, count).is_some())
            .collect()
    }

    #[test]
    fn one_in_ten_is_about_a_tenth_and_the_same_for_the_same_seed() {
        let chance = |seed| Chance::OneIn { n: 10, seed };
        let first = hits(&chance(1), "runTrigger");
        assert!((900..=1_100).contains(&first.len()), "{}", first.len());
        assert_eq!(first, hits(&chance(1), "runTrigger"));
        assert_ne!(first, hits(&chance(2), "runTrigger"));
        assert_ne!(first, hits(&chance(1), "searchStacks"));
    }

    #[test]
    fn every_third_is_exact_and_takes_the_kinds_in_turn() {
        assert_eq!(hits(&Chance::Every(3), "any")[..3], [3, 6, 9]);
        let drawn: Vec<_> = (1..=9)
            .filter_map(|count| Chance::Every(3).draw("any", count))
            .collect();
        let kinds: Vec<_> = drawn
            .iter()
            .filter_map(|&number| choose(&["a", "b"], number))
            .collect();
        assert_eq!(kinds, [&"a", &"b", &"a"]);
        assert_eq!(choose::<u8>(&[], 1), None);
    }
}
