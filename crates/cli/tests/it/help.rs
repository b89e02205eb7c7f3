//! Every `--help`, in one reviewed text.

use crate::world::World;

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let commands = help.split("Commands:\n").nth(1).unwrap_or_default();
    commands
        .lines()
        .take_while(|line| !line.is_empty())
        // A continued description is indented further.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(ToOwned::to_owned)
        .collect()
}

#[tokio::test]
async fn every_help_reads_as_it_was_reviewed() {
    let world = World::acme().await;
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    let mut all = String::new();
    while let Some(command) = open.pop() {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = world.run(&arguments).await.ok();
        all += &format!("$ spillway {}\n{}\n\n", arguments.join(" "), help.trim_end());
        for name in listed(&help).into_iter().rev() {
            open.push(command.iter().cloned().chain([name]).collect());
        }
    }
    insta::assert_snapshot!("help", all);
}
