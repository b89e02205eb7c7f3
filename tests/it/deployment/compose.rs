//! The installation on one machine, without containers: each program has the environment and the commands that
//! infra/compose.yaml gives it. Only names of containers, ports and paths are replaced. `cargo xtask compose-check`
//! installs what it needs and runs it.

mod installation;
mod processes;

use chain::ChainResult;
use tokio::process::Command;

use crate::world::{add_graph, http};
use installation::Installation;
use processes::{stop, stop_database, succeed};

#[tokio::test]
#[ignore = "needs PostgreSQL and Temporal's server: `cargo xtask compose-check` runs it"]
async fn it_runs_chains_survives_restarts_and_is_restored_from_a_backup() {
    let installation = Installation::prepare().await;
    let spacelift = &installation.spacelift;
    add_graph(
        spacelift,
        "network; database: network; app: database",
        &["database"],
    );
    installation.create_database().await;
    let mut running = installation.start().await;

    // A restart of each part, while a chain waits.
    let root = spacelift.push("network");
    let run = installation.waits_for_a_person("database").await;
    stop(running.worker).await;
    running.worker = installation.start_worker().await;
    stop(running.webhook).await;
    running.webhook = installation.start_webhook().await;
    stop(running.temporal).await;
    running.temporal = installation.start_temporal().await;
    stop_database(running.database).await;
    running.database = installation.start_database().await;
    spacelift.confirm(&run, "alice");
    assert_eq!(installation.result(&root).await, ChainResult::Succeeded);

    // A backup, as infra/README.md describes it: nothing writes meanwhile.
    let open_root = spacelift.push("network");
    let run = installation.waits_for_a_person("database").await;
    stop(running.worker).await;
    stop(running.webhook).await;
    stop(running.temporal).await;
    let dump = installation.client("pg_dumpall", &[]).output().await.unwrap();
    assert!(dump.status.success(), "{dump:?}");
    let (audit, kept) = (installation.path("audit"), installation.path("audit-backup"));
    succeed(Command::new("cp").arg("--archive").args([&audit, &kept])).await;

    // Everything is lost, and restored on an empty database.
    stop_database(running.database).await;
    std::fs::remove_dir_all(&audit).unwrap();
    installation.create_database().await;
    running.database = installation.start_database().await;
    let file = installation.path("backup.sql");
    std::fs::write(&file, &dump.stdout).unwrap();
    succeed(installation.client(
        "psql",
        &[
            "--quiet",
            "--dbname",
            "postgres",
            "--file",
            file.to_str().unwrap(),
        ],
    ))
    .await;
    succeed(Command::new("cp").arg("--archive").args([&kept, &audit])).await;
    installation.run("schema").await;
    running.temporal = installation.start_temporal().await;
    installation.run("namespace").await;
    running.webhook = installation.start_webhook().await;
    running.worker = installation.start_worker().await;

    assert_eq!(
        installation.result(&root).await,
        ChainResult::Succeeded,
        "what had ended"
    );
    spacelift.confirm(&run, "alice");
    assert_eq!(
        installation.result(&open_root).await,
        ChainResult::Succeeded,
        "what was open"
    );
    let new_root = spacelift.push("network");
    let run = installation.waits_for_a_person("database").await;
    spacelift.confirm(&run, "alice");
    assert_eq!(
        installation.result(&new_root).await,
        ChainResult::Succeeded,
        "what is new"
    );

    let summary = audit::verify::store(&audit::Store::in_directory(&audit))
        .await
        .unwrap();
    assert!(!summary.is_broken() && summary.intact == 3, "{summary:?}");
    let health = http().get(format!("http://127.0.0.1:{}/health", installation.webhook_port));
    assert!(health.send().await.unwrap().status().is_success());
    for child in [running.worker, running.webhook, running.temporal] {
        stop(child).await;
    }
    stop_database(running.database).await;
}
