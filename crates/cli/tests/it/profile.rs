//! Settings of several accounts in a file.

use std::os::unix::fs::PermissionsExt;

use mock_spacelift::{KEY_ID, KEY_SECRET};

use crate::world::World;

/// A world without settings in its environment, and a profile `acme` with those of the account.
async fn world() -> World {
    let world = World::acme()
        .await
        .without("SPACELIFT_BASE_URL")
        .without("SPACELIFT_KEY_ID")
        .without("SPACELIFT_KEY_SECRET");
    let url = world.url();
    write(
        &world,
        &format!(
            "[acme]\nSPACELIFT_BASE_URL = \"{url}\"\nSPACELIFT_KEY_ID = \"{KEY_ID}\"\n\
             SPACELIFT_KEY_SECRET = \"{KEY_SECRET}\"\n\n\
             [broken]\nSPACELIFT_BASE_URL = \"{url}\"\nSPACELIFT_KEY_ID = \"{KEY_ID}\"\n"
        ),
    );
    let config = world.path("config").display().to_string();
    world.with("XDG_CONFIG_HOME", &config)
}

fn write(world: &World, text: &str) {
    let directory = world.path("config/spillway");
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("profiles.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_profile_is_chosen_by_an_option_or_a_variable() {
    let world = world().await;
    world.run(&["stack", "show", "vpn"]).await.failed(3);
    for option in [&["--profile", "acme"][..], &["--profile=acme"]] {
        for command in [
            [option, &["stack", "show", "vpn"]],
            [&["stack", "show", "vpn"], option],
        ] {
            assert!(world.run(&command.concat()).await.ok().contains("vpn"));
        }
    }
    let world = world.with("SPILLWAY_PROFILE", "acme");
    world.run(&["stack", "show", "vpn"]).await.ok();
    // The option wins, and an empty one is none.
    let said = world
        .run(&["--profile", "broken", "stack", "show", "vpn"])
        .await
        .failed(3);
    assert!(said.contains("SPACELIFT_KEY_SECRET"), "{said}");
    world
        .run(&["--profile", "", "stack", "show", "vpn"])
        .await
        .failed(3);
}

#[tokio::test]
async fn a_profile_replaces_the_account_of_the_environment() {
    let world = world()
        .await
        .with("SPACELIFT_BASE_URL", "http://127.0.0.1:1")
        .with("SPACELIFT_KEY_SECRET", "another");
    world
        .run(&["--profile", "acme", "stack", "show", "vpn"])
        .await
        .ok();
    // Nothing of another account fills a gap.
    world
        .run(&["--profile", "broken", "stack", "show", "vpn"])
        .await
        .failed(3);
}

#[tokio::test]
async fn what_is_wrong_with_a_profile_is_said() {
    let world = world().await;
    let said = world.run(&["--profile", "acne", "stack", "list"]).await.failed(3);
    assert!(said.contains("has no profile `acne`"), "{said}");
    assert!(said.contains("hint: Did you mean `acme`?"), "{said}");
    let file = world.path("config/spillway/profiles.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = world.run(&["--profile", "acme", "stack", "list"]).await.failed(3);
    assert!(
        said.contains("other users can read") && said.contains("hint: chmod 600"),
        "{said}"
    );
    std::fs::remove_file(&file).unwrap();
    let said = world.run(&["--profile", "acme", "stack", "list"]).await.failed(3);
    assert!(
        said.contains("there is no file") && said.contains("[acme]"),
        "{said}"
    );
    assert!(world.account.requests().is_empty());
}
