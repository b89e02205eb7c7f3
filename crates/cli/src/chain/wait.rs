//! Waits for the end of a chain, and shows its changes.

use std::pin::pin;
use std::time::Duration;

use chain::ChainId;
use temporal_client::WorkflowClient;

use super::view::State;
use super::{Picture, View};
use crate::command::Done;
use crate::exit::Exit;
use crate::output::{self, Output};
use crate::patience::Patience;

/// How often the chain is looked at.
const PAUSE: Duration = Duration::from_millis(500);

/// Shows a chain until it ends, or until Ctrl-C. The chain continues after Ctrl-C.
pub(super) async fn wait(workflows: &WorkflowClient, chain: &ChainId, output: Output) -> Done {
    let mut picture = Picture::new(output);
    let mut patience = Patience::default();
    let mut ctrl_c = pin!(tokio::signal::ctrl_c());
    let view = loop {
        let read = tokio::select! {
            read = View::read(workflows, chain) => patience.allow(read)?,
            _ = &mut ctrl_c => return Ok(interrupted(chain)),
        };
        match read {
            Some(Some(view)) if view.state.is_over() => break view,
            Some(Some(view)) => picture.draw(&view)?,
            // It has not begun.
            Some(None) => {}
            None => picture.restart(),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = &mut ctrl_c => return Ok(interrupted(chain)),
        }
    };
    if output.is_text() {
        picture.draw(&view)?;
        picture.finish(&view)?;
    } else {
        output.show(&view, String::new)?;
    }
    Ok(Exit::of(view.state == State::Succeeded))
}

fn interrupted(chain: &ChainId) -> Exit {
    output::note(&format!(
        "\nThe chain continues. `spillway chain watch {chain}` follows it again."
    ));
    Exit::Interrupted
}
