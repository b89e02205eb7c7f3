//! The order of stacks that are numbered from zero and given by the stacks that each waits for.

/// How many columns of the transitive closure are computed at a time. The closure of 100,000 stacks takes
/// over a gigabyte; in strips of this width it takes a few megabytes.
const WORDS: usize = 16;
const COLUMNS: usize = WORDS * u64::BITS as usize;

/// Each stack after all that it waits for. What lies on a cycle, or behind one, is missing.
pub(super) fn topological(upstream: &[Vec<usize>]) -> Vec<usize> {
    let mut downstream = vec![Vec::new(); upstream.len()];
    for (dependent, dependencies) in upstream.iter().enumerate() {
        for &dependency in dependencies {
            downstream[dependency].push(dependent);
        }
    }
    let mut missing: Vec<usize> = upstream.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..upstream.len()).filter(|&stack| missing[stack] == 0).collect();
    let mut done = 0;
    while let Some(&stack) = order.get(done) {
        done += 1;
        for &dependent in &downstream[stack] {
            missing[dependent] -= 1;
            if missing[dependent] == 0 {
                order.push(dependent);
            }
        }
    }
    order
}

/// How many stacks wait for each, directly or not. `order` is a topological one.
pub(super) fn downstream_counts(upstream: &[Vec<usize>], order: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; upstream.len()];
    let mut reach = vec![[0_u64; WORDS]; upstream.len()];
    for first in (0..upstream.len()).step_by(COLUMNS) {
        reach.fill([0; WORDS]);
        // Against the order: whatever waits for a stack has its row complete before the stack hands it on.
        for &stack in order.iter().rev() {
            counts[stack] += reach[stack]
                .iter()
                .map(|word| word.count_ones() as usize)
                .sum::<usize>();
            let mut row = reach[stack];
            if let Some(column) = stack.checked_sub(first).filter(|&column| column < COLUMNS) {
                row[column / 64] |= 1 << (column % 64);
            }
            for &dependency in &upstream[stack] {
                for (word, more) in reach[dependency].iter_mut().zip(row) {
                    *word |= more;
                }
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More stacks than a strip has columns, in a graph that is neither a list nor a star.
    fn upstream() -> Vec<Vec<usize>> {
        (0..COLUMNS * 2 + 7)
            .map(|stack| match stack {
                0 => Vec::new(),
                _ if stack % 3 == 0 => vec![stack / 2],
                _ => vec![stack / 3, stack - 1],
            })
            .collect()
    }

    #[test]
    fn every_stack_comes_after_its_upstream() {
        // Numbered backwards, so that the numbers are not the order already.
        let last = upstream().len() - 1;
        let mut backwards: Vec<Vec<usize>> = upstream()
            .into_iter()
            .map(|all| all.into_iter().map(|stack| last - stack).collect())
            .collect();
        backwards.reverse();
        let order = topological(&backwards);
        let mut places = vec![None; order.len()];
        for (place, &stack) in order.iter().enumerate() {
            assert_eq!(places[stack].replace(place), None, "each once");
        }
        assert_eq!(order.len(), last + 1);
        for (stack, dependencies) in backwards.iter().enumerate() {
            assert!(
                dependencies
                    .iter()
                    .all(|&dependency| places[dependency] < places[stack])
            );
        }
    }

    #[test]
    fn what_is_behind_a_cycle_is_missing() {
        assert_eq!(
            topological(&[vec![], vec![0, 2], vec![1], vec![2], vec![0]]),
            [0, 4]
        );
    }

    #[test]
    fn downstream_is_counted_across_strips() {
        let upstream = upstream();
        let mut expected = vec![0; upstream.len()];
        for stack in 0..upstream.len() {
            let mut above = vec![false; upstream.len()];
            let mut open = upstream[stack].clone();
            while let Some(other) = open.pop() {
                if !std::mem::replace(&mut above[other], true) {
                    expected[other] += 1;
                    open.extend(&upstream[other]);
                }
            }
        }
        assert_eq!(downstream_counts(&upstream, &topological(&upstream)), expected);
    }
}
