//! The time from the start of a function's process to its first request for work, without network: the secret is in
//! the environment, and nothing listens where Temporal would be.
//!
//!     cargo build --release -p webhook -p redeliver
//!     cargo run --release -p bench --bin cold-start -- target/release/webhook target/release/redeliver

use std::io::{BufRead as _, BufReader, Error, Result, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const STARTS: usize = 100;
/// The request for work, as a function sends it.
const FIRST_POLL: &str = "GET /2018-06-01/runtime/invocation/next ";

fn main() -> Result<()> {
    let programs: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout();
    if programs.is_empty() {
        return writeln!(out, "usage: cold-start <program>...");
    }
    for program in programs {
        let mut times = (0..STARTS)
            .map(|_| first_poll(&program))
            .collect::<Result<Vec<_>>>()?;
        times.sort();
        writeln!(
            out,
            "{program}: from start to first poll median {:?}, 95th percentile {:?}, slowest {:?}, of {STARTS}",
            times[STARTS / 2],
            times[STARTS / 100 * 95],
            times[STARTS - 1],
        )?;
    }
    Ok(())
}

fn first_poll(program: &str) -> Result<Duration> {
    let runtime = TcpListener::bind("127.0.0.1:0")?;
    let started_at = Instant::now();
    let mut function = Command::new(program)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime.local_addr()?.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "under-test")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("TEMPORAL_ADDRESS", "127.0.0.1:9")
        .env("WEBHOOK_SECRET", "0123456789abcdef0123456789abcdef")
        .stdout(Stdio::null())
        .spawn()?;
    let (connection, _) = runtime.accept()?;
    let mut request = String::new();
    BufReader::new(connection).read_line(&mut request)?;
    let took = started_at.elapsed();
    function.kill()?;
    function.wait()?;
    if request.starts_with(FIRST_POLL) {
        Ok(took)
    } else {
        Err(Error::other(format!("{program} asks for {request:?} first")))
    }
}
