//! The module as Envoy runs it: several machines, one store of shared data.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use wasmi::{Caller, Engine, Extern, Linker, Memory, Module, Store, TypedFunc};

use crate::MODULE;

/// How long a document's head is.
const HEAD: usize = 24;

type Shared = Rc<RefCell<Data>>;

/// Envoy's shared data.
#[derive(Default)]
struct Data {
    values: HashMap<Vec<u8>, Vec<u8>>,
    /// The version of what is under "c": Envoy counts whatever is put there.
    moved: u32,
}

struct Host {
    shared: Shared,
    configuration: Vec<u8>,
}

/// One of Envoy's virtual machines.
struct Machine {
    store: Store<Host>,
    configure: TypedFunc<(i32, i32), i32>,
}

fn memory(caller: &Caller<'_, Host>) -> Memory {
    caller
        .get_export("memory")
        .and_then(Extern::into_memory)
        .unwrap()
}

fn read(caller: &Caller<'_, Host>, at: i32, size: i32) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(size).unwrap()];
    let at = usize::try_from(at).unwrap();
    memory(caller).read(caller, at, &mut bytes).unwrap();
    bytes
}

/// Hands bytes over as Envoy does: in memory that the module gives.
fn hand_over(caller: &mut Caller<'_, Host>, bytes: &[u8], data: i32, size: i32) -> i32 {
    let length = i32::try_from(bytes.len()).unwrap();
    let allocate = caller
        .get_export("malloc")
        .and_then(Extern::into_func)
        .unwrap();
    let allocate = allocate.typed::<i32, i32>(&*caller).unwrap();
    let at = allocate.call(&mut *caller, length).unwrap();
    let memory = memory(caller);
    let end = usize::try_from(at).unwrap() + bytes.len();
    if at == 0 || end > memory.data_size(&*caller) {
        return 10;
    }
    for (place, value) in [(data, at), (size, length)] {
        let place = usize::try_from(place).unwrap();
        memory
            .write(&mut *caller, place, &value.to_le_bytes())
            .unwrap();
    }
    memory
        .write(&mut *caller, usize::try_from(at).unwrap(), bytes)
        .unwrap();
    0
}

impl Machine {
    fn new(shared: &Shared) -> Self {
        let engine = Engine::default();
        let module = Module::new(&engine, MODULE).unwrap();
        let host = Host {
            shared: Rc::clone(shared),
            configuration: Vec::new(),
        };
        let mut store = Store::new(&engine, host);
        let mut linker = Linker::new(&engine);
        let get_buffer = |mut caller: Caller<'_, Host>,
                          kind: i32,
                          start: i32,
                          length: i32,
                          data: i32,
                          size: i32| {
            assert_eq!((kind, start), (7, 0));
            let bytes = caller.data().configuration.clone();
            assert_eq!(usize::try_from(length).unwrap(), bytes.len());
            hand_over(&mut caller, &bytes, data, size)
        };
        let get_shared = |mut caller: Caller<'_, Host>,
                          key: i32,
                          key_size: i32,
                          data: i32,
                          size: i32,
                          _cas: i32| {
            let key = read(&caller, key, key_size);
            let found = caller.data().shared.borrow().values.get(&key).cloned();
            match found {
                Some(bytes) => hand_over(&mut caller, &bytes, data, size),
                None => 1,
            }
        };
        let set_shared =
            |caller: Caller<'_, Host>, key: i32, key_size: i32, data: i32, size: i32, cas: i32| {
                assert_eq!(cas, 0);
                let (key, value) = (read(&caller, key, key_size), read(&caller, data, size));
                let mut shared = caller.data().shared.borrow_mut();
                shared.moved += u32::from(key == b"c");
                shared.values.insert(key, value);
                0
            };
        linker
            .func_wrap("env", "proxy_get_buffer_bytes", get_buffer)
            .unwrap()
            .func_wrap("env", "proxy_get_shared_data", get_shared)
            .unwrap()
            .func_wrap("env", "proxy_set_shared_data", set_shared)
            .unwrap();
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let configure = instance
            .get_typed_func(&store, "proxy_on_configure")
            .unwrap();
        Self { store, configure }
    }

    fn configure(&mut self, document: &[u8]) -> bool {
        self.store.data_mut().configuration = document.to_vec();
        let size = i32::try_from(document.len()).unwrap();
        self.configure.call(&mut self.store, (1, size)).unwrap() == 1
    }
}

fn document(slot: u8, version: u8, length: usize) -> Vec<u8> {
    let mut document = vec![version; 16];
    document.push(slot);
    document.resize(HEAD + length, version);
    document
}

fn shared(shared: &Shared, key: &[u8]) -> Option<Vec<u8>> {
    shared.borrow().values.get(key).cloned()
}

fn version(all: &Shared, slot: u8) -> Option<u8> {
    let version = shared(all, &[b'v', slot])?;
    assert_eq!(version.len(), HEAD);
    version.first().copied()
}

#[test]
fn it_is_small_enough_to_travel_with_every_document() {
    assert!(MODULE.len() < 500, "{} bytes", MODULE.len());
}

#[test]
fn a_document_is_shared_with_its_version_and_moves_what_is_looked_at() {
    let all = Shared::default();
    let mut machine = Machine::new(&all);
    let first = document(7, 1, 100);
    assert!(machine.configure(&first));
    assert_eq!(shared(&all, b"d\x07"), Some(first.clone()));
    assert_eq!(version(&all, 7), Some(1));
    assert_eq!(all.borrow().moved, 1);
    // The same again is nothing new.
    assert!(machine.configure(&first));
    assert_eq!(all.borrow().moved, 1);
    let other = document(255, 9, 0);
    assert!(machine.configure(&other));
    assert_eq!(shared(&all, b"d\xff"), Some(other));
    assert_eq!(all.borrow().moved, 2);
}

#[test]
fn megabytes_pass_through_as_often_as_they_come() {
    let all = Shared::default();
    let mut machine = Machine::new(&all);
    for round in 1..20 {
        let large = document(1, round, 12 << 20);
        assert!(machine.configure(&large));
        assert_eq!(shared(&all, b"d\x01"), Some(large));
    }
    let memory = machine.store.data().shared.borrow().values.len();
    assert_eq!(memory, 3);
}

#[test]
fn what_is_no_document_is_refused_and_changes_nothing() {
    let all = Shared::default();
    let mut machine = Machine::new(&all);
    for broken in [Vec::new(), vec![1; HEAD - 1]] {
        assert!(!machine.configure(&broken), "{} bytes", broken.len());
    }
    assert!(all.borrow().values.is_empty());
}

#[test]
fn a_worker_that_is_behind_puts_nothing_old_back() {
    let all = Shared::default();
    let (mut first, mut slow) = (Machine::new(&all), Machine::new(&all));
    for machine in [&mut first, &mut slow] {
        assert!(machine.configure(&document(0, 1, 1)));
    }
    for next in [2, 3] {
        // Envoy's trial.
        assert!(Machine::new(&all).configure(&document(0, next, 1)));
        assert!(first.configure(&document(0, next, 1)));
    }
    for late in [2, 3] {
        assert!(slow.configure(&document(0, late, 1)));
        assert_eq!(version(&all, 0), Some(3), "after {late}");
    }
}

/// Envoy tries a configuration once: one that comes again is given to workers alone.
#[test]
fn a_former_version_that_comes_again_without_a_trial_is_shared() {
    let all = Shared::default();
    let mut workers = [Machine::new(&all), Machine::new(&all)];
    for (version, is_tried) in [(1, true), (2, true), (1, false)] {
        if is_tried {
            assert!(Machine::new(&all).configure(&document(0, version, 1)));
        }
        for worker in &mut workers {
            assert!(worker.configure(&document(0, version, 1)));
        }
    }
    assert_eq!(version(&all, 0), Some(1));
}

/// However the workers' calls interleave, all of them end with what came last.
#[test]
fn whatever_the_order_of_workers_the_newest_stays() {
    // The versions in turn, and which of three workers takes its next one at each step.
    let course = [1, 2, 1, 3, 2];
    let mut seed = 7_u32;
    for _ in 0..150 {
        let all = Shared::default();
        let mut workers: Vec<_> = (0..3).map(|_| (Machine::new(&all), 0)).collect();
        let mut tried = Vec::new();
        while workers.iter().any(|(_, next)| *next < course.len()) {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = usize::try_from(seed >> 16).unwrap() % workers.len();
            let (worker, next) = &mut workers[at];
            let Some(version) = course.get(*next) else {
                continue;
            };
            if *next == tried.len() {
                if !tried.contains(version) {
                    assert!(Machine::new(&all).configure(&document(0, *version, 1)));
                }
                tried.push(*version);
            }
            assert!(worker.configure(&document(0, *version, 1)));
            *next += 1;
        }
        assert_eq!(version(&all, 0), Some(2));
    }
}
