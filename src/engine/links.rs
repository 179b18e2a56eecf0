//! The connections of a run: one per host and login, opened when a step first needs it and kept to the end.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use super::link::{FirstBatch, Link};
use super::run_state::RunState;
use super::target::Place;
use crate::remote::{Connection, Connector, Process, WorkerBinaries, WorkerOrigin, start_worker};
use crate::step::ExecutionError;

/// A host's connection and, once something needed it, the worker on it.
#[derive(Default)]
struct Line {
    connection: Option<Arc<Connection>>,
    link: Option<Arc<Link>>,
}

/// A place, and the line to it.
type PlacedLine = (Place, Arc<Mutex<Line>>);

/// All connections.
pub(super) struct Links {
    /// By host; most have one.
    lines: Mutex<HashMap<Arc<str>, Vec<PlacedLine>>>,
    connector: Connector,
    workers: Arc<WorkerBinaries>,
    /// Whether somebody reads the workers already.
    preparing: AtomicBool,
}

impl Links {
    pub(super) fn new(connector: Connector, workers: WorkerBinaries) -> Self {
        Self {
            lines: Mutex::default(),
            connector,
            workers: Arc::new(workers),
            preparing: AtomicBool::new(false),
        }
    }

    async fn line(&self, host: &str, place: &Place) -> Arc<Mutex<Line>> {
        let mut lines = self.lines.lock().await;
        let known = match lines.get_mut(host) {
            Some(known) => known,
            None => lines.entry(host.into()).or_default(),
        };
        if let Some((_, line)) = known.iter().find(|(other, _)| other.shares_with(place)) {
            return line.clone();
        }
        let line = Arc::<Mutex<Line>>::default();
        let mut kept = place.clone();
        if let Place::Ssh(target) = &mut kept {
            // Places are told apart without it, and it need not stay here to the end.
            target.password = None;
        }
        known.push((kept, line.clone()));
        line
    }

    /// Returns the worker of that place if it runs already.
    pub(super) async fn running(&self, host: &str, place: &Place) -> Option<Arc<Link>> {
        let line = self.line(host, place).await;
        let line = line.lock().await;
        line.link.clone().filter(|link| link.is_open())
    }

    /// Returns the worker of that place, connected and started if need be; a worker that is started
    /// gets that batch at once.
    pub(super) async fn get(
        &self,
        host: &str,
        place: &Place,
        run: &Arc<RunState>,
        first: Option<&FirstBatch>,
    ) -> Result<Arc<Link>, ExecutionError> {
        let line = self.line(host, place).await;
        let mut line = line.lock().await;
        if let Some(link) = line.link.as_ref().filter(|link| link.is_open()) {
            return Ok(link.clone());
        }
        line.link = None;
        let connection = self.connect(&mut line, place).await?;
        let greeting = Link::greeting(run, first).map_err(ExecutionError::Failed)?;
        let started = match start_worker(&connection, &self.workers, &greeting).await {
            Ok(started) => started,
            Err(error) => {
                line.connection = None;
                return Err(ExecutionError::Unreachable(error.to_string()));
            }
        };
        let counter = run.traffic.of(host);
        counter.started(matches!(started.origin, WorkerOrigin::Sent(_)));
        counter.sent(1 + u64::from(first.is_some()), greeting.len());
        let link = Link::start(started.process, run.clone(), counter, first)
            .await
            .map_err(ExecutionError::Unreachable)?;
        line.link = Some(link.clone());
        Ok(link)
    }

    async fn connect(
        &self,
        line: &mut Line,
        place: &Place,
    ) -> Result<Arc<Connection>, ExecutionError> {
        if let Some(connection) = line
            .connection
            .as_ref()
            .filter(|connection| !connection.is_closed())
        {
            return Ok(connection.clone());
        }
        let connection = match place {
            Place::Local => Connection::Local,
            Place::Ssh(target) => {
                if !self.preparing.swap(true, Ordering::Relaxed) {
                    // Whoever starts the worker meets the same fault again and reports it.
                    let workers = self.workers.clone();
                    tokio::task::spawn_blocking(move || workers.prepare().is_ok());
                }
                self.connector
                    .connect(target)
                    .await
                    .map_err(|error| ExecutionError::Unreachable(error.to_string()))?
            }
        };
        let connection = Arc::new(connection);
        line.connection = Some(connection.clone());
        Ok(connection)
    }

    /// Runs a command of the login shell without a worker.
    pub(super) async fn raw(
        &self,
        host: &str,
        place: &Place,
        command: &str,
    ) -> Result<Process, ExecutionError> {
        let line = self.line(host, place).await;
        let connection = self.connect(&mut *line.lock().await, place).await?;
        connection
            .exec(command)
            .await
            .map_err(|error| ExecutionError::Unreachable(error.to_string()))
    }

    /// Closes the connection of that place; the next step connects anew.
    pub(super) async fn reset(&self, host: &str, place: &Place) {
        let line = self.line(host, place).await;
        let mut line = line.lock().await;
        if let Some(link) = line.link.take() {
            link.close().await;
        }
        if let Some(connection) = line.connection.take() {
            connection.close().await;
        }
    }

    /// Closes all, side by side. After an interruption workers are given time to end what they run; else there is nothing to
    /// wait for.
    pub(super) async fn close(&self, interrupted: bool) {
        let lines: Vec<_> = self
            .lines
            .lock()
            .await
            .values()
            .flatten()
            .map(|(_, line)| line.clone())
            .collect();
        let mut closing = tokio::task::JoinSet::new();
        for line in lines {
            closing.spawn(async move {
                // A line that is being opened is dropped with its task.
                let Ok(mut line) = line.try_lock() else {
                    return;
                };
                match line.link.take() {
                    Some(link) if interrupted => link.close().await,
                    Some(link) => link.release(),
                    None => {}
                }
                if let Some(connection) = line.connection.take() {
                    connection.close().await;
                }
            });
        }
        closing.join_all().await;
    }
}
