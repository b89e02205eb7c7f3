//! The labels that attach a context or a policy to stacks without a person.

/// Whether one of `labels` is `autoattach:*`, or `autoattach:<label>` for a label of the stack.
pub(crate) fn attaches(labels: &[String], stack_labels: &[String]) -> bool {
    labels
        .iter()
        .filter_map(|label| label.strip_prefix("autoattach:"))
        .any(|wanted| wanted == "*" || stack_labels.iter().any(|label| label == wanted))
}
