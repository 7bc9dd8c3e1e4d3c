//! The metrics of the process, beside what the system says when the test asks it another way.
#![cfg(target_os = "linux")]
// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use streamgauge_export::process;
use streamgauge_metrics::{Desc, Kind, Registry, Snapshot};

fn installed() -> Registry {
    let registry = Registry::new();
    process::install(&registry).unwrap();
    registry
}

fn gauge(snapshot: &Snapshot, name: &str) -> f64 {
    snapshot.gauge(name, &[]).unwrap_or_else(|| panic!("{name} is missing"))
}

fn float_counter(registry: &Registry, name: &str) -> f64 {
    let page = registry.render_prometheus();
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} is missing")).parse().unwrap()
}

/// A number of `/proc/self/status`, whose lines are `Name:\t12 kB`.
fn status(name: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse().unwrap()
}

/// A soft limit of `/proc/self/limits`.
fn limit(name: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/limits").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let soft = line.split_ascii_whitespace().next().unwrap();
    if soft == "unlimited" { u64::MAX as f64 } else { soft.parse().unwrap() }
}

/// A number of ticks in `/proc/self/stat`, counted from the state, in seconds.
fn ticks(place: usize) -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = text.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(place).unwrap();
    ticks.parse::<f64>().unwrap() / rustix::param::clock_ticks_per_second() as f64
}

/// Processor time by the scheduler's account.
fn processor_seconds() -> f64 {
    ticks(11) + ticks(12)
}

#[test]
fn the_standard_metrics_have_the_names_and_kinds_that_other_clients_give_them() {
    let described = installed().describe();
    for (name, kind) in [
        ("process_cpu_seconds_total", Kind::Counter),
        ("process_open_fds", Kind::Gauge),
        ("process_max_fds", Kind::Gauge),
        ("process_virtual_memory_bytes", Kind::Gauge),
        ("process_virtual_memory_max_bytes", Kind::Gauge),
        ("process_resident_memory_bytes", Kind::Gauge),
        ("process_start_time_seconds", Kind::Gauge),
        ("process_threads", Kind::Gauge),
        ("process_network_receive_bytes_total", Kind::Counter),
        ("process_network_transmit_bytes_total", Kind::Counter),
    ] {
        let desc = described.iter().find(|desc| desc.name() == name);
        assert_eq!(desc.map(Desc::kind), Some(kind), "{name}");
    }
}

#[test]
fn memory_threads_and_limits_are_what_the_system_says() {
    let registry = installed();
    let kept: Vec<_> = (0..8).map(|_| thread::spawn(thread::park)).collect();
    let used = vec![1_u8; 200 << 20];
    let resident = status("VmRSS") * 1024.0;
    let snapshot = registry.snapshot();
    // Other tests run meanwhile: a few of their threads and some of their memory come or go.
    let near = |name: &str, expected: f64, within: f64| {
        let value = gauge(&snapshot, name);
        assert!((value - expected).abs() <= within, "{name} is {value}, not {expected}");
    };
    near("process_threads", status("Threads"), 6.0);
    assert!(gauge(&snapshot, "process_threads") > 8.0);
    near("process_resident_memory_bytes", resident, 32e6);
    assert!(resident > used.len() as f64);
    near("process_memory_bytes", gauge(&snapshot, "process_resident_memory_bytes"), 0.0);
    // An arena of the allocator is 64 MiB of addresses.
    near("process_virtual_memory_bytes", status("VmSize") * 1024.0, 512e6);
    near("process_max_fds", limit("Max open files"), 0.0);
    near("process_virtual_memory_max_bytes", limit("Max address space"), 0.0);
    for thread in kept {
        thread.thread().unpark();
        thread.join().unwrap();
    }
}

#[test]
fn descriptors_are_counted() {
    let registry = installed();
    let before = gauge(&registry.snapshot(), "process_open_fds");
    let files: Vec<_> = (0..100).map(|_| File::open("/dev/null").unwrap()).collect();
    let snapshot = registry.snapshot();
    let listed = fs::read_dir("/proc/self/fd").unwrap().count() as f64 - 1.0;
    let opened = gauge(&snapshot, "process_open_fds");
    // Other tests have a few, too.
    assert!((opened - listed).abs() < 20.0 && (opened - before - 100.0).abs() < 20.0, "{before} {opened} {listed}");
    drop(files);
}

#[test]
fn the_process_began_before_now_and_its_start_does_not_move() {
    let registry = installed();
    let start = gauge(&registry.snapshot(), "process_start_time_seconds");
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let alive = uptime - ticks(19);
    // The kernel tells when it was booted in whole seconds.
    assert!((now - alive - start).abs() < 3.0, "{start} {now} {alive}");
    let again = gauge(&registry.snapshot(), "process_start_time_seconds");
    assert_eq!(again.to_bits(), start.to_bits());
}

#[test]
fn processor_time_lies_between_two_looks_at_the_scheduler() {
    let registry = installed();
    let spin = Instant::now();
    while spin.elapsed() < Duration::from_millis(200) {
        std::hint::black_box(spin);
    }
    let before = processor_seconds();
    let told = float_counter(&registry, "process_cpu_seconds_total");
    let after = processor_seconds();
    // The scheduler rounds user and system time down to a tick each.
    assert!(before <= told && told <= after + 0.03, "{before} {told} {after}");
    assert!(told > 0.1, "{told}");
}

#[test]
fn what_goes_over_the_network_is_counted() {
    const SENT: usize = 1 << 20;
    let registry = installed();
    let counter = |name: &str| registry.snapshot().counter(name, &[]).unwrap();
    let names = ["process_network_receive_bytes_total", "process_network_transmit_bytes_total"];
    let before = names.map(counter);
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut taker, _) = listener.accept().unwrap();
    let sending = thread::spawn(move || sender.write_all(&vec![0; SENT]).unwrap());
    let mut received = Vec::new();
    taker.read_to_end(&mut received).unwrap();
    sending.join().unwrap();
    for (name, before) in names.into_iter().zip(before) {
        let grown = counter(name) - before;
        assert!(grown >= SENT as u64, "{name} grew by {grown}");
    }
}

#[test]
fn counters_never_fall_however_many_scrapes_overlap() {
    let registry = installed();
    let watch = || {
        let mut last = 0.0;
        for _ in 0..200 {
            let now = float_counter(&registry, "process_cpu_seconds_total");
            assert!(now >= last, "{last} {now}");
            last = now;
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(watch);
        }
    });
    let told = float_counter(&registry, "process_cpu_seconds_total");
    assert!(told <= processor_seconds() + 0.03);
}
