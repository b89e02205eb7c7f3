//! Viewing is cheap: a query of a workflow is a billed action.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chain::{ChainId, Change};
use futures::future::{BoxFuture, join_all};
use temporal_client::WorkflowClient;
use temporalio_client::errors::WorkflowQueryError;
use temporalio_client::interceptors::{ClientInterceptor, Next, QueryWorkflowInput, QueryWorkflowOutput};

use super::pretended::{begin, stack};
use super::serve_with;
use crate::world::{World, http};

/// Counts the queries that a client sends.
#[derive(Default)]
struct Queries(AtomicUsize);

impl ClientInterceptor for Queries {
    fn query_workflow<'a>(
        &'a self,
        input: QueryWorkflowInput,
        next: Next<'a, QueryWorkflowInput, BoxFuture<'a, Result<QueryWorkflowOutput, WorkflowQueryError>>>,
    ) -> BoxFuture<'a, Result<QueryWorkflowOutput, WorkflowQueryError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        next.run(input)
    }
}

async fn look(url: &str, chain: &ChainId, etag: Option<&str>) -> reqwest::Response {
    let mut request = http().get(format!("{url}/chains/{chain}"));
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn viewers_share_one_query_and_ended_chains_need_none() {
    let world = World::start().await;
    let queries = Arc::new(Queries::default());
    let mut client = world.workflows.client().clone();
    client
        .options_mut()
        .client_interceptors
        .push(Arc::clone(&queries) as Arc<dyn ClientInterceptor>);
    let workflows = WorkflowClient::new(client, world.workflows.settings().clone());
    let url = serve_with(&world, workflows).await;
    let open = begin(&world, "open", "bob", vec![stack("a", "a", &[])]).await;
    let ended = begin(&world, "ended", "bob", vec![stack("a", "a", &[])]).await;
    super::pretended::tell(&world, &ended, vec![Change::Over { at_ms: 1 }]).await;
    world.end_of(&ended).await;

    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_secs(8) {
        let looks = (0..5).flat_map(|_| [look(&url, &open, None), look(&url, &ended, None)]);
        for answer in join_all(looks).await {
            assert_eq!(answer.status(), 200);
        }
        for page in [
            format!("/?account={}", world.account),
            "/waiting".to_owned(),
            "/status".to_owned(),
        ] {
            assert_eq!(
                http().get(format!("{url}{page}")).send().await.unwrap().status(),
                200,
                "{page}"
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // One for each five seconds that began.
    let most = 1 + usize::try_from(began.elapsed().as_secs() / 5).unwrap();
    let counted = queries.0.load(Ordering::SeqCst);
    assert!(
        (1..=most).contains(&counted),
        "{counted} queries, at most {most} were expected"
    );
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again() {
    let world = World::start().await;
    let url = super::serve(&world).await;
    let chain = begin(&world, "root", "bob", vec![stack("a", "a", &[])]).await;
    super::pretended::tell(&world, &chain, vec![Change::Over { at_ms: 1 }]).await;
    world.end_of(&chain).await;
    let first = look(&url, &chain, None).await;
    let etag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = look(&url, &chain, Some(&etag)).await;
    assert_eq!(again.status(), 304);
    assert_eq!(again.text().await.unwrap(), "");
    assert_eq!(look(&url, &chain, Some("\"other\"")).await.status(), 200);
}
