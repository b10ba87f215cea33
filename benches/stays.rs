//! A hundred stays in one process: what is left behind, at the guest and at the host's stage.

use std::time::Duration;

use super::process::Process;
use super::rows::Row;
use super::seat;
use super::stand::Stand;

const STAYS: usize = 100;

/// What grows to its size, as pools do, has it after so many.
const WARM: usize = 10;

/// Pipelines end behind the scenes; a reading is taken when nothing has moved for this long, or after [`MOST`] of them.
const STILL: Duration = Duration::from_millis(500);
const MOST: usize = 12;

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Holds {
    descriptors: usize,
    threads: usize,
    mib: f64,
}

impl Holds {
    fn read(process: Process) -> anyhow::Result<Self> {
        Ok(Self {
            descriptors: process.descriptors()?,
            threads: process.threads()?,
            mib: process.resident_mib()?,
        })
    }
}

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut console = stand.console()?;
    let house = stand.house(&mut console)?;
    let processes = [house.guest.process, house.host.process];
    let still = |console: &mut super::console::Console| -> anyhow::Result<[Holds; 2]> {
        let read =
            || -> anyhow::Result<[Holds; 2]> { Ok([Holds::read(processes[0])?, Holds::read(processes[1])?]) };
        let mut before = read()?;
        for _ in 0..MOST {
            console.listen_for(STILL);
            let now = read()?;
            let same = now
                .iter()
                .zip(&before)
                .all(|(now, before)| now.threads == before.threads && now.descriptors == before.descriptors);
            before = now;
            if same {
                break;
            }
        }
        Ok(before)
    };
    let fresh = still(&mut console)?;
    say(0, &fresh);
    let (mut first, mut warm) = (fresh, fresh);
    for stay in 1..=STAYS {
        seat::sit(&mut console)?;
        seat::leave(&mut console)?;
        console.forget();
        if stay == 1 {
            first = still(&mut console)?;
            say(stay, &first);
        }
        if stay == WARM {
            warm = still(&mut console)?;
        }
        if stay % WARM == 0 {
            say(stay, &[Holds::read(processes[0])?, Holds::read(processes[1])?]);
        }
    }
    let last = still(&mut console)?;
    say(STAYS, &last);
    house.end()?;
    // What a process makes once, with its first stay (GStreamer's clock: a thread and an eventfd), is no growth; it is told.
    let more = |to: usize, from: usize| to as f64 - from as f64;
    let descriptors = |n: usize| more(last[n].descriptors, first[n].descriptors);
    let threads = |n: usize| more(last[n].threads, first[n].threads);
    let once = [
        more(first[0].descriptors, fresh[0].descriptors)
            .max(more(first[1].descriptors, fresh[1].descriptors)),
        more(first[0].threads, fresh[0].threads).max(more(first[1].threads, fresh[1].threads)),
    ];
    let memory = |n: usize| (last[n].mib / warm[n].mib - 1.0) * 100.0;
    let row = |name, grown: &dyn Fn(usize) -> f64| {
        let (guest, host) = (grown(0), grown(1));
        Row::new(name, guest.max(host)).with("guest", guest).with("host", host)
    };
    Ok(vec![
        row("stays_fd_growth", &descriptors).with("once", once[0]),
        row("stays_thread_growth", &threads).with("once", once[1]),
        row("stays_memory_growth_percent", &memory),
    ])
}

fn say(stay: usize, [guest, host]: &[Holds; 2]) {
    println!(
        "  {stay} of {STAYS}: guest {} descriptors, {} threads, {:.1} MiB; host {}, {}, {:.1}",
        guest.descriptors, guest.threads, guest.mib, host.descriptors, host.threads, host.mib
    );
}
