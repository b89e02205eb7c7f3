//! The order of numbered stacks, given the stacks that each waits for.

/// Each stack after everything that it waits for. Stacks on a cycle, or behind one, are missing.
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

/// How many stacks are on the longest path from each stack to the end, given the stacks that each waits for.
pub(super) fn longest_paths(upstream: &[Vec<usize>]) -> Vec<usize> {
    let mut remaining = vec![0; upstream.len()];
    // In reverse order, all dependents of a stack are computed before the stack.
    for &stack in topological(upstream).iter().rev() {
        for &dependency in &upstream[stack] {
            remaining[dependency] = remaining[dependency].max(remaining[stack] + 1);
        }
    }
    remaining
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph that is neither a list nor a star.
    fn upstream() -> Vec<Vec<usize>> {
        (0..500)
            .map(|stack| match stack {
                0 => Vec::new(),
                _ if stack % 3 == 0 => vec![stack / 2],
                _ => vec![stack / 3, stack - 1],
            })
            .collect()
    }

    #[test]
    fn stacks_come_after_their_upstreams() {
        // Numbered backwards, so that the numbers are not already in order.
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
    fn stacks_behind_a_cycle_are_missing() {
        assert_eq!(
            topological(&[vec![], vec![0, 2], vec![1], vec![2], vec![0]]),
            [0, 4]
        );
    }

    #[test]
    fn the_longest_path_sets_the_level() {
        assert_eq!(
            longest_paths(&[vec![], vec![0], vec![1], vec![0], vec![2, 3]]),
            [3, 2, 1, 1, 0]
        );
        assert_eq!(longest_paths(&[]), [0; 0]);
    }
}
