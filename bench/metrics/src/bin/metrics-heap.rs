//! usage: metrics-heap --rival NAME
//!
//! Prints the heap bytes of a series. The counting allocator is the one `allocation-counter` brings; it counts this thread's requests.

use streamgauge_metrics_bench::contender::{self, Outcome};
use streamgauge_metrics_bench::heap::Heap;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [flag, name] if flag == "--rival" => (contender::named(name)?.heap)(&Heap::new(measure)),
        _ => Err("usage: metrics-heap --rival NAME".into()),
    }
}

fn measure(work: &mut dyn FnMut()) -> i64 {
    allocation_counter::measure(work).bytes_current
}
