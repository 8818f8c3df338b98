//! What this worker has counted, handed to Envoy once a second.
//!
//! Envoy adds up what its workers count. What a worker has at the moment is told by
//! worker, under a number that this Envoy's VMs give themselves: a VM that takes the place of
//! one that has died takes its number, too, and no value stays behind.

use std::cell::RefCell;

use cubegate_pipeline::Meters;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

use crate::envoy_host;

/// What stands before all names. Envoy puts `wasmcustom.` before it.
const PREFIX: &str = "cubegate_filter_";

/// How many workers have numbers; others are counted and do not tell what they hold.
const MAX_WORKERS: usize = 128;

/// A VM that has not been heard of for so long, in seconds, has died.
const DEAD: u64 = 5;

const WASM_PAGE: u64 = 64 << 10;

thread_local! {
    static TOLD: RefCell<Told> = const { RefCell::new(Told::new()) };
}

/// What Envoy knows of this VM.
struct Told {
    /// Envoy's numbers of the counters, in the order of their names.
    counters: Vec<u32>,
    /// Which VM this is.
    id: u64,
    place: Option<Place>,
}

/// A worker's number, and its gauges.
struct Place {
    number: usize,
    memory: u32,
    held: u32,
    age: u32,
}

/// Hands on what has come together; `held` is what the worker's list requests hold, and `age`
/// how many seconds ago the control plane was heard of.
pub(crate) fn tell(meters: &Meters, held: usize, age: Option<u64>) {
    TOLD.with_borrow_mut(|told| {
        told.count(meters);
        told.take_place();
        let memory = u64::try_from(core::arch::wasm32::memory_size(0)).unwrap_or_default();
        if let Some(place) = &told.place {
            record(place.memory, memory.saturating_mul(WASM_PAGE));
            record(place.held, u64::try_from(held).unwrap_or(u64::MAX));
            if let Some(age) = age {
                record(place.age, age);
            }
        }
    });
}

// === impl Told ===

impl Told {
    const fn new() -> Self {
        Self {
            counters: Vec::new(),
            id: 0,
            place: None,
        }
    }

    fn count(&mut self, meters: &Meters) {
        // All of them at once: what never happened is 0, and there.
        if self.counters.is_empty() {
            let names = Meters::names().iter();
            let defined: Option<Vec<u32>> = names
                .map(|name| define(MetricType::Counter, &format!("{PREFIX}{name}")))
                .collect();
            self.counters = defined.unwrap_or_default();
        }
        for (at, grown) in meters.take() {
            if let Some(counter) = self.counters.get(at) {
                let grown = i64::try_from(grown).unwrap_or(i64::MAX);
                // There is no other status than that there is no such counter.
                let _ = hostcalls::increment_metric(*counter, grown);
            }
        }
    }

    /// Keeps the number that this VM has, or looks for one.
    fn take_place(&mut self) {
        let now = envoy_host::now();
        if self.id == 0 {
            self.id = envoy_host::now_nanos();
        }
        if let Some(place) = &self.place
            && claim(place.number, self.id, now)
        {
            return;
        }
        let number = (0..MAX_WORKERS).find(|number| claim(*number, self.id, now));
        self.place = number.and_then(|number| {
            let gauge = |name: &str| {
                let name = format!("{PREFIX}{name}.worker.{number}");
                define(MetricType::Gauge, &name)
            };
            Some(Place {
                number,
                memory: gauge("memory_bytes")?,
                held: gauge("lists_held_bytes")?,
                age: gauge("last_word_age_seconds")?,
            })
        });
    }
}

/// Says whether this VM has the number: nobody else has, or who had it has died.
fn claim(number: usize, id: u64, now: u64) -> bool {
    let key = format!("cubegate/worker/{number}");
    let Ok((entry, cas)) = hostcalls::get_shared_data(&key) else {
        return false;
    };
    if let Some((owner, seen)) = entry.as_deref().and_then(read)
        && owner != id
        && now.saturating_sub(seen) < DEAD
    {
        return false;
    }
    let entry = [id.to_le_bytes(), now.to_le_bytes()].concat();
    // Another VM may have been faster.
    hostcalls::set_shared_data(&key, Some(&entry), cas).is_ok()
}

fn read(entry: &[u8]) -> Option<(u64, u64)> {
    let (id, seen) = entry.split_first_chunk::<8>()?;
    let seen: [u8; 8] = seen.try_into().ok()?;
    Some((u64::from_le_bytes(*id), u64::from_le_bytes(seen)))
}

fn define(kind: MetricType, name: &str) -> Option<u32> {
    hostcalls::define_metric(kind, name).ok()
}

fn record(gauge: u32, value: u64) {
    // There is no other status than that there is no such gauge.
    let _ = hostcalls::record_metric(gauge, value);
}
