//! Two processes at work, measured at the same time, window by window, so that whatever else the machine does slows both.

use std::time::Duration;

use super::console::Console;
use super::process::Process;
use super::stand::Running;

/// Pairs of windows.
pub const ROUNDS: usize = 7;

/// How long one window is: long enough for the kernel's clock ticks of 10 ms.
const WINDOW: Duration = Duration::from_secs(6);

/// What comes before is start-up.
const SETTLE: Duration = Duration::from_secs(3);

/// The CPU of both in each window, in seconds a second; `told` says a round as it happens.
pub fn measure(
    console: &mut Console,
    (one, other): (&mut Running, &mut Running),
    mut told: impl FnMut(usize, f64, f64),
) -> anyhow::Result<Vec<(f64, f64)>> {
    console.listen_for(SETTLE);
    let mut rounds = Vec::new();
    for round in 1..=ROUNDS {
        let before = (one.process.cpu()?, other.process.cpu()?);
        console.listen_for(WINDOW);
        console.forget();
        one.check()?;
        other.check()?;
        let share = |process: Process, before: Duration| -> anyhow::Result<f64> {
            Ok((process.cpu()? - before).as_secs_f64() / WINDOW.as_secs_f64())
        };
        let shares = (share(one.process, before.0)?, share(other.process, before.1)?);
        told(round, shares.0, shares.1);
        rounds.push(shares);
    }
    Ok(rounds)
}
