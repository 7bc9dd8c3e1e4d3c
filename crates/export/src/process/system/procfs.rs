//! Reads `/proc/self`, each file once a scrape.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::{Network, Reading, Stat};

// Places in `stat` behind the name of the program, which may hold anything: see proc_pid_stat(5).
const THREADS: usize = 17;
const START_TICKS: usize = 19;
const VIRTUAL_BYTES: usize = 20;
const RESIDENT_PAGES: usize = 21;

/// What is so now; `None` if there is no `/proc`.
pub(in crate::process) fn reading() -> Option<Reading> {
    Some(Reading {
        stat: stat(&own_stat()?, page_size() as u64)?,
        open_fds: open_fds(),
        max_fds: limit(Resource::Nofile),
        virtual_max_bytes: limit(Resource::As),
        network: fs::read_to_string("/proc/self/net/netstat").ok().and_then(|text| network(&text)),
    })
}

/// When the process began, in seconds since 1970. Asked for once: the system derives it from a
/// clock that may be set, and a start that moves looks like a restart.
pub(in crate::process) fn start_time() -> Option<f64> {
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot: u64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.parse().ok()?;
    let ticks = field(&own_stat()?, START_TICKS)?;
    Some(boot as f64 + ticks as f64 / clock_ticks_per_second() as f64)
}

fn own_stat() -> Option<String> {
    fs::read_to_string("/proc/self/stat").ok()
}

fn stat(text: &str, page_size: u64) -> Option<Stat> {
    Some(Stat {
        threads: field(text, THREADS)?,
        virtual_bytes: field(text, VIRTUAL_BYTES)?,
        resident_bytes: field(text, RESIDENT_PAGES)?.checked_mul(page_size)?,
    })
}

fn field(stat: &str, place: usize) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(place)?.parse().ok()
}

/// Since Linux 6.2 the size of the folder is the number of its entries, which spares opening it
/// and walking through it; before that it is 0.
fn open_fds() -> Option<u64> {
    let size = fs::metadata("/proc/self/fd").ok()?.len();
    // The descriptor that the walk itself takes is not there before or after it.
    let walk = || Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1));
    if size > 0 { Some(size) } else { walk() }
}

/// No limit is told as the largest number, as other clients tell it.
fn limit(resource: Resource) -> u64 {
    getrlimit(resource).current.unwrap_or(u64::MAX)
}

/// A line of names and one of values, both starting with `IpExt:`.
fn network(netstat: &str) -> Option<Network> {
    let mut lines = netstat.lines().filter_map(|line| line.strip_prefix("IpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let of = |wanted: &str| {
        let place = names.split_ascii_whitespace().position(|name| name == wanted)?;
        values.split_ascii_whitespace().nth(place)?.parse().ok()
    };
    Some(Network { received_bytes: of("InOctets")?, transmitted_bytes: of("OutOctets")? })
}

#[cfg(test)]
mod tests {
    use super::{Network, Stat, field, network, stat};

    const STAT: &str = "41 (a) b (c) R 1 41 41 34816 41 4194304 99 0 0 0 7 3 0 0 20 0 5 0 8812 30142464 1024 \
                        18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0";

    #[test]
    fn a_program_whose_name_has_blanks_and_brackets_is_read_like_any_other() {
        let expected = Stat { threads: 5, virtual_bytes: 30_142_464, resident_bytes: 1024 * 4096 };
        assert_eq!(stat(STAT, 4096), Some(expected));
        assert_eq!(field(STAT, super::START_TICKS), Some(8812));
    }

    #[test]
    fn what_is_cut_off_or_absurd_is_not_guessed() {
        for text in
            ["", "41 (a", "41 (a) R 1 41", &STAT.replace("1024", "-1"), &STAT.replace("1024", "9999999999999999")]
        {
            assert_eq!(stat(text, 4096), None, "{text}");
        }
    }

    #[test]
    fn octets_are_found_by_their_names_wherever_they_stand() {
        let text = "TcpExt: InOctets\nTcpExt: 9\nIpExt: InNoRoutes OutOctets InOctets\nIpExt: 0 5 7\n";
        assert_eq!(network(text), Some(Network { received_bytes: 7, transmitted_bytes: 5 }));
        for text in
            ["", "IpExt: InOctets OutOctets\n", "IpExt: InOctets\nIpExt: 1\n", "IpExt: InOctets OutOctets\nIpExt: 1\n"]
        {
            assert_eq!(network(text), None, "{text}");
        }
    }
}
