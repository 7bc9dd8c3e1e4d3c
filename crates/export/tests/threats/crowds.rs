//! Many who scrape at once, and a program that leaves no processor to them.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use streamgauge_metrics::{Counter, Desc, Registry, Snapshot};
use tokio::runtime::Builder;

use crate::client::{Answer, ask, ask_with};
use crate::{alone, serve_registry};

const CROWD: usize = 200;
/// Gathers that the server runs at a time.
const ROUNDS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(20);

/// A gate in front of every gather, and how many have come to it.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    came: AtomicUsize,
}

impl Gate {
    fn before(registry: &Registry) -> Arc<Self> {
        let gate = Arc::new(Self::default());
        let inner = Arc::clone(&gate);
        registry.on_scrape(move || inner.pass());
        gate
    }

    fn pass(&self) {
        self.came.fetch_add(1, Ordering::SeqCst);
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// Two threads that record for as long as the test lasts.
struct Recorders {
    jobs: Counter,
    over: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<u64>>,
}

impl Recorders {
    fn start(registry: &Registry) -> Self {
        let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done.")).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let record = || {
            let (jobs, over) = (jobs.clone(), Arc::clone(&over));
            thread::spawn(move || {
                let mut done = 0;
                while !over.load(Ordering::Relaxed) {
                    jobs.inc();
                    done += 1;
                }
                done
            })
        };
        let threads = vec![record(), record()];
        Self { jobs, over, threads }
    }

    /// They do not wait for whoever waits for a gather.
    fn go_on(&self) {
        let (start, before) = (Instant::now(), self.jobs.get());
        while self.jobs.get() < before + 10_000 {
            assert!(start.elapsed() < PATIENCE, "nothing is recorded");
        }
    }

    /// Nothing they recorded is lost.
    fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        let done: u64 = self.threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(self.jobs.get(), done);
    }
}

/// Answers to clients that all ask at once, as they come.
fn crowd(addr: SocketAddr, path: impl Fn(usize) -> String) -> mpsc::Receiver<Answer> {
    let (answered, answers) = mpsc::channel();
    for client in 0..CROWD {
        let (answered, path) = (answered.clone(), path(client));
        thread::spawn(move || {
            let patience = format!("x-prometheus-scrape-timeout-seconds: {}\r\n", PATIENCE.as_secs());
            answered.send(ask_with(addr, "GET", &path, &patience)).unwrap();
        });
    }
    answers
}

fn renders(snapshot: &Snapshot) -> u64 {
    let labels = [("format", "PrometheusText0.0.4")];
    snapshot.histogram("metrics_scrape_render_duration_ms", &labels).map_or(0, |renders| renders.count())
}

#[test]
fn two_hundred_scrapes_at_once_share_a_page_and_recording_goes_on() {
    let _alone = alone();
    let registry = Registry::new();
    let (recorders, gate) = (Recorders::start(&registry), Gate::before(&registry));
    let running = serve_registry(&registry);
    let answers = crowd(running.local_addr(), |_| "/metrics".to_owned());
    while gate.came.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    recorders.go_on();
    assert!(answers.try_recv().is_err(), "nobody is answered before the gather is over");
    gate.open();
    for _ in 0..CROWD {
        assert_eq!(answers.recv_timeout(PATIENCE).unwrap().status, 200);
    }
    // Who had not asked when the first round was over shared a later one.
    let renders = renders(&registry.snapshot());
    println!("{CROWD} scrapes, {renders} pages written");
    assert!(renders <= (CROWD / 4) as u64, "{renders}");
    recorders.end();
}

#[test]
fn two_hundred_scrapes_for_different_names_are_few_gathers_and_the_others_come_back_later() {
    let _alone = alone();
    let registry = Registry::new();
    let (recorders, gate) = (Recorders::start(&registry), Gate::before(&registry));
    let running = serve_registry(&registry);
    let answers = crowd(running.local_addr(), |client| format!("/metrics?name[]=jobs_{client}"));
    for _ in ROUNDS..CROWD {
        let answer = answers.recv_timeout(PATIENCE).unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    }
    recorders.go_on();
    assert_eq!(gate.came.load(Ordering::SeqCst), ROUNDS);
    gate.open();
    for _ in 0..ROUNDS {
        assert_eq!(answers.recv_timeout(PATIENCE).unwrap().status, 200);
    }
    assert_eq!(ask(running.local_addr(), "GET", "/metrics?name[]=jobs_total").status, 200);
    recorders.end();
}

#[test]
fn a_program_that_keeps_every_processor_and_blocks_its_runtime_is_scraped_all_the_same() {
    const SCRAPES: usize = 40;
    let _alone = alone();
    let running = serve_registry(&Registry::new());
    let over = Arc::new(AtomicBool::new(false));
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let spin = |over: Arc<AtomicBool>| {
        while !over.load(Ordering::Relaxed) {
            black_box(());
        }
    };
    for _ in 0..2 {
        let over = Arc::clone(&over);
        runtime.spawn(async move { spin(over) });
    }
    let threads = thread::available_parallelism().unwrap().get() * 2;
    let spinning: Vec<_> = (0..threads)
        .map(|_| {
            thread::spawn({
                let over = Arc::clone(&over);
                move || spin(over)
            })
        })
        .collect();
    let mut took: Vec<_> = (0..SCRAPES)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(ask(running.local_addr(), "GET", "/metrics").status, 200);
            start.elapsed()
        })
        .collect();
    over.store(true, Ordering::Relaxed);
    for thread in spinning {
        thread.join().unwrap();
    }
    took.sort();
    println!("a scrape took {:?}, at p95 {:?}", took[SCRAPES / 2], took[SCRAPES * 95 / 100]);
    // A scrape that needed a thread of the program's would never end; the scheduler's share of two
    // threads among many is milliseconds a turn.
    assert!(took[SCRAPES / 2] < Duration::from_secs(1), "{:?}", took[SCRAPES / 2]);
}
