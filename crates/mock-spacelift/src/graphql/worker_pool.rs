//! Worker pools: only the public one, in which everything runs and which has no id.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::caller::{authorized, session};
use crate::model::refusal::Refusal;

#[derive(Debug, Clone, SimpleObject)]
pub(super) struct WorkerPool {
    id: ID,
    name: String,
    description: Option<String>,
    pending_runs: usize,
    busy_workers: usize,
    workers: Vec<Worker>,
}

#[derive(Debug, Clone, SimpleObject)]
struct Worker {
    id: ID,
    busy: bool,
    created_at: i64,
    drained: bool,
    metadata: String,
}

#[derive(Default)]
pub(crate) struct WorkerPoolQuery;

#[Object]
impl WorkerPoolQuery {
    async fn worker_pools(&self, ctx: &Context<'_>) -> Result<Vec<WorkerPool>, Refusal> {
        session(ctx)?;
        Ok(Vec::new())
    }

    async fn worker_pool(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] _id: ID,
    ) -> Result<Option<WorkerPool>, Refusal> {
        session(ctx)?;
        Ok(None)
    }

    async fn public_worker_pool(&self, ctx: &Context<'_>) -> Result<Option<WorkerPool>, Refusal> {
        Ok(authorized(ctx)?.read(|account| {
            let active = || account.runs.active();
            let busy = active()
                .filter(|&index| account.runs[index].is_under_way())
                .count();
            Some(WorkerPool {
                id: ID::from(""),
                name: String::new(),
                description: None,
                pending_runs: active().count() - busy,
                busy_workers: busy,
                workers: Vec::new(),
            })
        }))
    }
}
