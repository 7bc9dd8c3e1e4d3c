//! What a run of a program costs: CPU time is user + sys of the whole process as the kernel's accounting of ended children says
//! (getrusage), start included; each run is waited for by a process of its own, so that nothing else is in the sum.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::error::Error;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The first argument of a process that measures another one.
pub const MEASURE: &str = "--measure";

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// User and system.
    pub cpu_seconds: f64,
    /// By the clock.
    pub wall_seconds: f64,
    /// Resident memory.
    pub peak_mib: f64,
}

/// Runs a command under a process that does nothing but wait for it: this very program, which is to call [`measure`] when its
/// first argument is [`MEASURE`].
///
/// # Errors
/// If it fails.
pub fn run(command: &[String]) -> Result<Cost, Box<dyn Error>> {
    let done = Command::new(std::env::current_exe()?).arg(MEASURE).args(command).output()?;
    if !done.status.success() {
        return Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    let numbers: Vec<f64> =
        String::from_utf8(done.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [cpu_seconds, wall_seconds, peak_mib] = numbers[..] else {
        return Err("the measuring process said something else".into());
    };
    Ok(Cost { cpu_seconds, wall_seconds, peak_mib })
}

/// The measuring process: runs the command and prints CPU seconds, wall seconds and peak MiB.
///
/// # Errors
/// If the command fails.
pub fn measure(command: &[String]) -> Result<(), Box<dyn Error>> {
    let (program, arguments) = command.split_first().ok_or("a command is needed")?;
    let begin = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let wall = begin.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("{program}: {status}").into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    println!(
        "{} {wall} {}",
        micros as f64 / 1e6,
        usage.max_rss() as f64 / 1024.0 // KiB on Linux
    );
    Ok(())
}

/// The median of a part of the costs.
#[must_use]
pub fn median(costs: &[Cost], part: fn(&Cost) -> f64) -> f64 {
    quantile(costs.iter().map(part), 0.5)
}

/// What lies at a share of some numbers in their order; between two of them it is in proportion. NaN of none.
#[must_use]
pub fn quantile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let at = share * last as f64;
    let (below, above) = (values[at.floor() as usize], values[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_values_or_lie_between_two_in_proportion() {
        let of = |values: &[f64], share| quantile(values.iter().copied(), share);
        assert_eq!(of(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0], 0.5), 2.5);
        assert_eq!(of(&[0.0, 10.0], 0.25), 2.5);
        assert_eq!(of(&[7.0], 0.9), 7.0);
        assert!(of(&[], 0.5).is_nan());
    }
}
