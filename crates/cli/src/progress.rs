//! A line on the terminal while something takes its time.

use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Faster work prints nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits for some work. If it takes longer than a second, a line on the terminal says what is being done.
pub(crate) async fn during<T>(what: &str, work: impl Future<Output = T>) -> T {
    if io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb") {
        // Not locked: with -vv, other threads write to it, too.
        with_line(what, work, &mut io::stderr()).await
    } else {
        work.await
    }
}

async fn with_line<T>(what: &str, work: impl Future<Output = T>, out: &mut impl Write) -> T {
    let begin = Instant::now();
    let mut ticks = interval_at(begin + PATIENCE, PATIENCE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut work = std::pin::pin!(work);
    let mut is_drawn = false;
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                if is_drawn {
                    let _ = write!(out, "\r\x1b[K");
                    let _ = out.flush();
                }
                return done;
            }
            _ = ticks.tick() => {
                let _ = write!(out, "\r\x1b[K{what} … {} s", begin.elapsed().as_secs());
                let _ = out.flush();
                is_drawn = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn drawn(took: Duration) -> String {
        let mut out = Vec::new();
        with_line("Reading the stacks", tokio::time::sleep(took), &mut out).await;
        String::from_utf8(out).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_longer_than_a_second_has_a_line_that_is_wiped_away() {
        assert_eq!(drawn(Duration::from_millis(900)).await, "");
        assert_eq!(
            drawn(Duration::from_millis(2500)).await,
            "\r\x1b[KReading the stacks … 1 s\r\x1b[KReading the stacks … 2 s\r\x1b[K"
        );
    }
}
