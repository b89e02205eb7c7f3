//! Slow services: Temporal, and the audit log.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_stand_ins::lambda::Function;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{Place, batch, failures};

/// The function's time limit in template.yaml.
const LIMIT: Duration = Duration::from_secs(15);
/// For each message from or to Temporal. Ten in sequence would take longer than the function's limit.
const DELAY: Duration = Duration::from_millis(800);
const BATCH: [&str; 10] = [
    "01A", "01B", "01C", "01D", "01E", "01F", "01G", "01H", "01J", "01K",
];

/// Accepts connections and never answers.
async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    address
}

/// A proxy that delays the traffic of a server.
async fn slowed(server: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(late(from_client, to_server));
            tokio::spawn(late(from_server, to_client));
        }
    });
    address
}

async fn late(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        tokio::time::sleep(DELAY).await;
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

impl Place {
    /// A function whose audit log accepts connections and never answers.
    async fn function_with_silent_log(&self, temporal: SocketAddr) -> Function {
        let variables = [
            ("TEMPORAL_ADDRESS", temporal.to_string()),
            ("SPILLWAY_TASK_QUEUE", self.account.clone()),
            ("SPILLWAY_METRICS_NAMESPACE", "Spillway".to_owned()),
            ("SPILLWAY_AUDIT", "s3://audit-of-acme".to_owned()),
            ("AWS_ENDPOINT_URL", format!("http://{}", silent().await)),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ];
        Function::start(env!("CARGO_BIN_EXE_redeliver"), variables).await
    }

    fn whole_batch(&self) -> Value {
        batch(&BATCH.map(|run| (run, self.event(run))))
    }
}

#[tokio::test]
async fn with_a_slow_temporal_and_a_silent_log_recorded_events_leave_the_queue_in_time() {
    let place = Place::new().await;
    let temporal = slowed(place.temporal.clone()).await;
    let function = place.function_with_silent_log(temporal).await;
    let began = Instant::now();
    let answer = function.invoke(place.whole_batch()).await;
    assert_eq!(answer, Ok(failures(&[])));
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    place.wait_for_workflows(BATCH.len()).await;
    let written = function
        .wait_for_lines("the metrics", |lines| {
            lines.iter().any(|line| line.contains("Redelivered\":10"))
        })
        .await;
    let failures = written.iter().filter(|line| line.contains("\"AuditFailures\":1"));
    assert_eq!(
        failures.count(),
        BATCH.len(),
        "the metric shows that the log has gaps"
    );
}

/// A function that Lambda ends at its limit does not answer, and each of its messages counts one more try.
#[tokio::test]
async fn with_a_silent_temporal_every_message_stays_and_the_answer_is_in_time() {
    let place = Place::new().await;
    let function = place.function_with_silent_log(silent().await).await;
    let began = Instant::now();
    let answer = function.invoke(place.whole_batch()).await;
    assert_eq!(answer, Ok(failures(&BATCH)));
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
}
