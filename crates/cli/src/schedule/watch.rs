//! `spillway schedule watch`.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use super::{View, text};
use crate::clients::Clients;
use crate::command::Done;
use crate::exit::Exit;
use crate::output::{self, Drawing, Output, WriteError, can_redraw, terminal_size};
use crate::patience::Patience;
use crate::style;
use crate::style::painted;
use crate::table::plain;

/// The pause between two looks. Each look is a query of the schedule.
const PAUSE: Duration = Duration::from_secs(1);
/// The lines of the terminal that stay free: the prompt, and the number of lines that do not fit.
const LINES_FREE: usize = 2;

/// Shows what is open until Ctrl-C. Nothing is printed while nothing changes.
pub(super) async fn watch(clients: &Clients, output: Output) -> Done {
    let mut shown = if !output.is_text() {
        Shown::Document(None)
    } else if can_redraw() {
        Shown::Drawing(Drawing::default())
    } else {
        Shown::Lines(BTreeMap::new())
    };
    let mut patience = Patience::default();
    let mut ctrl_c = pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            read = View::read(clients) => match patience.allow(read)? {
                Some(view) => shown.update(&view, output)?,
                None => shown.restart(),
            },
            _ = &mut ctrl_c => break,
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = &mut ctrl_c => break,
        }
    }
    output::note("\nOpen chains continue.");
    Ok(Exit::Interrupted)
}

/// What was shown last.
enum Shown {
    Document(Option<serde_json::Value>),
    Drawing(Drawing),
    /// What each thing was last said to do.
    Lines(BTreeMap<String, String>),
}

impl Shown {
    fn update(&mut self, view: &View, output: Output) -> Result<(), WriteError> {
        match self {
            Self::Document(last) => {
                let now = serde_json::to_value(view).map_err(std::io::Error::other)?;
                if last.as_ref() != Some(&now) {
                    output.show(view, String::new)?;
                    *last = Some(now);
                }
                Ok(())
            }
            Self::Drawing(drawing) => drawing.show(&frame(view, output.is_wide())),
            // Nothing is over only because it is not known during a rebuild.
            Self::Lines(_) if view.rebuilding => Ok(()),
            Self::Lines(last) => {
                let now = lines(view);
                for (thing, does) in &now {
                    if last.get(thing) != Some(does) {
                        output::line(&format!("{thing}: {does}"))?;
                    }
                }
                for thing in last.keys().filter(|thing| !now.contains_key(*thing)) {
                    output::line(&format!("{thing}: over"))?;
                }
                *last = now;
                Ok(())
            }
        }
    }

    /// Other lines were printed, so the next drawing does not replace the last one.
    fn restart(&mut self) {
        if let Self::Drawing(drawing) = self {
            *drawing = Drawing::default();
        }
    }
}

/// As many lines as fit on the terminal.
fn frame(view: &View, is_wide: bool) -> Vec<String> {
    let (_, height) = terminal_size();
    let mut lines: Vec<String> = text(view, is_wide).lines().map(str::to_owned).collect();
    let room = height.saturating_sub(LINES_FREE).max(1);
    if lines.len() > room {
        let hidden = lines.len() - room;
        lines.truncate(room);
        lines.push(painted(&format!("… and {hidden} more"), style::DIM));
    }
    lines
}

/// Everything that is open, with what it does.
fn lines(view: &View) -> BTreeMap<String, String> {
    let halt = view.halted();
    let halt = halt.map(|halt| {
        (
            format!("account {}", view.account),
            format!("halted by {}", plain(&halt)),
        )
    });
    let conflict = view.conflict.as_ref();
    let conflict = conflict.map(|conflict| ("conflict".to_owned(), plain(conflict)));
    let chains = view
        .chains
        .iter()
        .map(|chain| (chain.to_string(), "open".to_owned()));
    let unplanned = view.unplanned.iter();
    let unplanned = unplanned.map(|chain| (chain.to_string(), "being planned".to_owned()));
    let stacks = view.stacks.iter();
    let stacks = stacks.map(|stack| (stack.stack.to_string(), plain(&stack.message)));
    halt.into_iter()
        .chain(conflict)
        .chain(chains)
        .chain(unplanned)
        .chain(stacks)
        .collect()
}
