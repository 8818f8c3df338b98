//! The queue between those who record and the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::time::OffsetDateTime;
use cubegate_store::{AuditClass, AuditRow, Store};
use tokio::sync::mpsc;
use tokio::time::{self, MissedTickBehavior};

use crate::Record;
use crate::anonymous::Anonymous;

/// How many records wait at most, at about 1 KiB each. An Envoy worker that has
/// kept its log while the control plane was away sends some 3,000 at once.
pub const CAPACITY: usize = 16_384;

/// How many records are written in one transaction.
const BATCH: usize = 1_000;

/// How long the first record of a batch waits for others, unless the batch is full
/// before: a transaction is a write to disk, and a storm of failed logins must not
/// become one of writes.
const LINGER: Duration = Duration::from_millis(250);

/// How often the counts of requests without a credential are written.
const COUNTS: Duration = Duration::from_secs(1);

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(1);

/// How long the last records may take when the control plane stops.
const LAST_WRITE: Duration = Duration::from_secs(3);

/// Takes records; clones fill the same queue.
#[derive(Debug, Clone)]
pub struct Recorder {
    records: mpsc::Sender<Record>,
    anonymous: Arc<Anonymous>,
    dropped: Arc<AtomicU64>,
}

/// The records that wait to be written.
#[derive(Debug)]
pub struct Queue {
    records: mpsc::Receiver<Record>,
    anonymous: Arc<Anonymous>,
    /// Counts that could not be written.
    counts: Vec<AuditRow>,
    dropped: Arc<AtomicU64>,
}

/// A queue for this many records, [`CAPACITY`] usually.
pub fn channel(capacity: usize) -> (Recorder, Queue) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    let dropped = Arc::new(AtomicU64::new(0));
    let anonymous = Arc::new(Anonymous::default());
    let recorder = Recorder {
        records: sender,
        anonymous: Arc::clone(&anonymous),
        dropped: Arc::clone(&dropped),
    };
    let queue = Queue {
        records: receiver,
        anonymous,
        counts: Vec::new(),
        dropped,
    };
    (recorder, queue)
}

// === impl Recorder ===

impl Recorder {
    /// Puts a record into the queue, or drops and counts it; those without a
    /// credential are only counted. Never waits.
    pub fn record(&self, record: Record) {
        if record.class == AuditClass::Anonymous {
            self.anonymous.count(record, OffsetDateTime::now_utc());
        } else if self.records.try_send(record).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns how many records wait to be written, and how many may.
    pub fn queued(&self) -> (usize, usize) {
        let limit = self.records.max_capacity();
        (limit.saturating_sub(self.records.capacity()), limit)
    }

    /// Returns how many records were dropped since this process began.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

// === impl Queue ===

impl Queue {
    /// Returns the next row, for those who do not keep it in a database. `None` when nobody
    /// can record any more.
    pub async fn next(&mut self) -> Option<AuditRow> {
        loop {
            let counted = self
                .anonymous
                .take(OffsetDateTime::now_utc(), true, 1)
                .pop();
            if counted.is_some() {
                return counted;
            }
            tokio::select! {
                record = self.records.recv() => return record.map(Record::into_row),
                () = time::sleep(LINGER) => {}
            }
        }
    }

    /// Writes everything to the database until `stopped`, then what is still there.
    /// While the database fails, records wait, and those that find no place are
    /// dropped.
    pub async fn write_to(mut self, store: Store, stopped: impl Future<Output = ()>) {
        let mut told = 0;
        let mut ticks = time::interval(COUNTS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stopped);
        loop {
            let first = tokio::select! {
                first = self.records.recv() => first,
                _ = ticks.tick() => {
                    self.write_counts(&store).await;
                    continue;
                }
                () = &mut stopped => None,
            };
            let Some(first) = first else { break };
            let mut rows = vec![first.into_row()];
            tokio::select! {
                () = self.linger(&mut rows) => {}
                () = &mut stopped => {
                    self.write_rest(&store, rows).await;
                    return;
                }
            }
            while let Err(error) = store.add_audit_rows(&rows).await {
                tracing::error!(%error, records = rows.len(), "audit records cannot be written; they wait");
                tokio::select! {
                    () = time::sleep(RETRY) => {}
                    () = &mut stopped => {
                        self.write_rest(&store, rows).await;
                        return;
                    }
                }
            }
            self.tell_dropped(&mut told);
        }
        self.write_rest(&store, Vec::new()).await;
    }

    /// Writes the counts that have grown; what fails is tried again the next time.
    async fn write_counts(&mut self, store: &Store) {
        loop {
            if self.counts.is_empty() {
                let now = OffsetDateTime::now_utc();
                self.counts = self.anonymous.take(now, false, BATCH);
            }
            if self.counts.is_empty() {
                return;
            }
            if let Err(error) = store.add_audit_rows(&self.counts).await {
                tracing::error!(%error, "counts of requests without a credential cannot be written; they wait");
                return;
            }
            self.counts.clear();
        }
    }

    /// Adds what comes to a batch until it is full or [`LINGER`] has passed. What was
    /// added stays when this is given up.
    async fn linger(&mut self, rows: &mut Vec<AuditRow>) {
        let full = async {
            while rows.len() < BATCH {
                match self.records.recv().await {
                    Some(record) => rows.push(record.into_row()),
                    None => return,
                }
            }
        };
        let _ = time::timeout(LINGER, full).await;
    }

    /// Adds what waits to a batch, as far as it goes.
    fn batch(&mut self, mut rows: Vec<AuditRow>) -> Vec<AuditRow> {
        while rows.len() < BATCH
            && let Ok(record) = self.records.try_recv()
        {
            rows.push(record.into_row());
        }
        rows
    }

    async fn write_rest(&mut self, store: &Store, mut rows: Vec<AuditRow>) {
        self.records.close();
        let write = async {
            loop {
                rows = self.batch(std::mem::take(&mut rows));
                rows.append(&mut self.counts);
                if rows.is_empty() {
                    rows = self.anonymous.take(OffsetDateTime::now_utc(), true, BATCH);
                }
                if rows.is_empty() {
                    return Ok(());
                }
                store.add_audit_rows(&rows).await?;
                rows.clear();
            }
        };
        match time::timeout(LAST_WRITE, write).await {
            Ok(Ok(())) => {}
            Ok(Err::<(), cubegate_store::StoreError>(error)) => {
                tracing::error!(%error, "the last audit records could not be written");
            }
            Err(_) => tracing::error!("the last audit records could not be written in time"),
        }
    }

    fn tell_dropped(&self, told: &mut u64) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > *told {
            tracing::warn!(
                audit.dropped = dropped - *told,
                audit.dropped_total = dropped,
                "audit records were dropped: the queue was full"
            );
            *told = dropped;
        }
    }
}

#[cfg(test)]
mod tests {
    use cubegate_store::AuditRange;
    use cubegate_testing::store;
    use tokio::sync::oneshot;

    use super::*;
    use crate::Source;

    fn mk_record() -> Record {
        Record::new(Source::Api, OffsetDateTime::UNIX_EPOCH, "get")
    }

    #[tokio::test]
    async fn what_does_not_fit_is_dropped_and_counted() {
        let (recorder, mut queue) = channel(2);
        for _ in 0..5 {
            recorder.record(mk_record());
        }
        assert_eq!(recorder.dropped(), 3);
        assert!(queue.next().await.is_some());
        recorder.clone().record(mk_record());
        assert_eq!(recorder.dropped(), 3);
        drop(queue);
        recorder.record(mk_record());
        assert_eq!(recorder.dropped(), 4);
    }

    #[tokio::test]
    async fn everything_is_written_at_the_latest_when_it_stops() {
        let (store, _folder) = store().await;
        let (recorder, queue) = channel(10_000);
        let (stop, stopped) = oneshot::channel::<()>();
        let writer = tokio::spawn({
            let store = store.clone();
            async move {
                let stopped = async {
                    let _ = stopped.await;
                };
                queue.write_to(store, stopped).await;
            }
        });
        for _ in 0..2_500 {
            recorder.record(mk_record());
        }
        stop.send(()).unwrap();
        writer.await.unwrap();
        let count = store.count_audit(&AuditRange::default()).await.unwrap();
        assert_eq!((count, recorder.dropped()), (2_500, 0));
    }

    #[tokio::test]
    async fn what_has_no_credential_is_counted_and_takes_no_place() {
        let (store, _folder) = store().await;
        let (recorder, queue) = channel(1);
        let writer = tokio::spawn(queue.write_to(store.clone(), std::future::pending()));
        for _ in 0..5_000 {
            let mut record = Record::new(Source::Gateway, OffsetDateTime::now_utc(), "get");
            record.class = AuditClass::Anonymous;
            record.client = Some("203.0.113.7".to_owned());
            recorder.record(record);
        }
        assert_eq!(recorder.dropped(), 0);
        drop(recorder);
        writer.await.unwrap();
        let all = AuditRange::default();
        let rows = store
            .read_audit(&all, cubegate_store::AuditOrder::OldestFirst, 0, 10)
            .await
            .unwrap();
        // A minute may have ended meanwhile.
        assert!(rows.len() <= 2, "{rows:?}");
        let counts = rows.iter().map(|(_, record)| {
            let record: Record = serde_json::from_str(record).unwrap();
            record.count.unwrap()
        });
        assert_eq!(counts.sum::<u64>(), 5_000);
    }

    #[tokio::test]
    async fn full_batches_wait_for_nothing() {
        let (recorder, mut queue) = channel(CAPACITY);
        for _ in 0..CAPACITY {
            recorder.record(mk_record());
        }
        let begun = time::Instant::now();
        for _ in 0..CAPACITY / BATCH {
            let mut rows = Vec::new();
            queue.linger(&mut rows).await;
            assert_eq!(rows.len(), BATCH);
        }
        let took = begun.elapsed();
        assert!(took < LINGER * 4, "{took:?}");
        // What is less waits for more, and is kept if there is none.
        let mut rows = Vec::new();
        queue.linger(&mut rows).await;
        assert_eq!(rows.len(), CAPACITY % BATCH);
        assert!(begun.elapsed() >= LINGER);
    }

    #[tokio::test]
    async fn records_are_written_while_it_runs() {
        let (store, _folder) = store().await;
        let (recorder, queue) = channel(10);
        let writer = tokio::spawn(queue.write_to(store.clone(), std::future::pending()));
        recorder.record(mk_record());
        let written = async {
            while store.count_audit(&AuditRange::default()).await.unwrap() == 0 {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        time::timeout(Duration::from_secs(10), written)
            .await
            .unwrap();
        drop(recorder);
        time::timeout(Duration::from_secs(10), writer)
            .await
            .unwrap()
            .unwrap();
    }
}
