//! The property of the engine's order: a random play ends the same whether its steps run strictly one after the other, ahead of
//! each other, or in batches. Compared are the results of all tasks (with them the registers), the recap, the exit code and the
//! files that are left.
//!
//! `KPLAY_RANDOM_PLAYS=1000` plays more of them, `KPLAY_RANDOM_SEED=N` that one alone. A play that ends differently is made smaller
//! before it is shown.

mod dice;
mod expressions;
mod plays;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::support::TestEnvironment;
use plays::RandomSite;

const ORDERS: [&str; 3] = ["strict", "ahead", "batched"];

/// How many plays without a word from the environment.
const PLAYS: u64 = 200;

/// Keys of results that differ from run to run: times, and what a file got anew.
const UNSTEADY: [&str; 10] = [
    "ansible_facts",
    "atime",
    "ctime",
    "delta",
    "duration",
    "end",
    "inode",
    "mtime",
    "start",
    "version",
];

/// Takes the place of `sudo`: becomes nobody else.
const SUDO: &str = r#"while [ $# -gt 0 ]; do
  case $1 in -u) shift 2 ;; --) shift; break ;; -*) shift ;; *) break ;; esac
done
exec "$@""#;

#[test]
fn a_random_play_ends_the_same_in_every_order() {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap())
    };
    let seeds = match number("KPLAY_RANDOM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("KPLAY_RANDOM_PLAYS").unwrap_or(PLAYS),
    };
    let (next, end) = (AtomicU64::new(seeds.start), seeds.end);
    let workers = std::thread::available_parallelism().map_or(2, |count| count.get() + 1);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let look = || {
            let mut failed = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return failed;
                }
                failed.extend(difference(seed));
            }
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(look)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Says how a play of that seed ends differently, if it does.
fn difference(seed: u64) -> Option<String> {
    let mut site = plays::site(seed);
    let mut environment = environment(&site);
    let mut found = compare(&mut environment, &site.plays)?;
    // Whatever can go without the difference going too is none of its causes.
    let mut kept = 0;
    while let Some(place) = removable(&Value::Array(site.plays.clone()), "").get(kept) {
        let smaller = without(&site.plays, place);
        match smaller.and_then(|plays| Some((compare(&mut environment, &plays)?, plays))) {
            Some((difference, plays)) => (found, site.plays) = (difference, plays),
            None => kept += 1,
        }
    }
    let files: String = site
        .files
        .iter()
        .map(|(name, content)| format!("# {name}\n{content}\n"))
        .collect();
    let playbook = serde_json::to_string_pretty(&site.plays).unwrap();
    Some(format!("seed {seed}:\n{playbook}\n{files}\n{found}"))
}

/// The same plays without the play, task or keyword at that place; nothing where it has to stay.
fn without(plays: &[Value], place: &str) -> Option<Vec<Value>> {
    let (parent, last) = place.rsplit_once('/')?;
    let mut less = Value::Array(plays.to_vec());
    match less.pointer_mut(parent)? {
        Value::Array(items) if items.len() == 1 && parent.ends_with("/block") => return None,
        Value::Array(items) => drop(items.remove(last.parse().ok()?)),
        Value::Object(object) => drop(object.shift_remove(last)),
        _ => return None,
    }
    less.as_array().cloned()
}

/// The places of plays, tasks and keywords in a playbook.
fn removable(value: &Value, at: &str) -> Vec<String> {
    let mut places = Vec::new();
    match value {
        Value::Array(items) => {
            for (number, item) in items
                .iter()
                .enumerate()
                .filter(|(_, item)| item.is_object())
            {
                let place = format!("{at}/{number}");
                places.push(place.clone());
                places.extend(removable(item, &place));
            }
        }
        Value::Object(object) => {
            for (name, value) in object {
                let place = format!("{at}/{name}");
                match name.as_str() {
                    "tasks" | "block" | "rescue" | "always" | "handlers" => {
                        places.extend(removable(value, &place));
                    }
                    "hosts" | "gather_facts" | "name" => {}
                    _ => places.push(place),
                }
            }
        }
        _ => {}
    }
    places
}

fn environment(site: &RandomSite) -> TestEnvironment {
    let mut environment = TestEnvironment::new()
        .variable("ANSIBLE_FORKS", site.forks.to_string())
        .variable("ANSIBLE_STDOUT_CALLBACK", "json")
        .variable("ANSIBLE_INJECT_FACT_VARS", "true")
        .program("sudo", SUDO);
    for (name, content) in &site.files {
        environment = environment.write(name, content);
    }
    environment
}

/// Runs the plays in all orders and says where they end differently.
fn compare(environment: &mut TestEnvironment, plays: &[Value]) -> Option<String> {
    let mut expected: Option<String> = None;
    for order in ORDERS {
        let ended = run(environment, plays, order);
        match &expected {
            // A fault of the playbook ends the run at once, wherever the hosts are.
            None if !ended.contains("\"stats\"") => return None,
            None => expected = Some(ended),
            Some(expected) if *expected != ended => {
                let lines = similar::TextDiff::from_lines(expected, &ended);
                let shown = lines.unified_diff().header("strict", order).to_string();
                return Some(shown);
            }
            Some(_) => {}
        }
    }
    None
}

/// Runs the plays in that order, in the same directory as ever, and tells how they ended.
fn run(environment: &mut TestEnvironment, plays: &[Value], order: &str) -> String {
    for name in ["d", "fetched"] {
        let _ = fs::remove_dir_all(environment.path(name));
    }
    for host in ["h1", "h2", "h3"] {
        fs::create_dir_all(environment.path(&format!("d/{host}"))).unwrap();
    }
    let playbook = Value::Array(plays.to_vec()).to_string();
    fs::write(environment.path("site.yml"), playbook).unwrap();
    environment.set("KPLAY_ORDER", format!("{order},apart"));
    let output = environment.run(["site.yml", "-i", "hosts"]).any();
    let mut told = match serde_json::from_str::<Value>(&output.stdout) {
        Ok(mut document) => {
            steady(&mut document);
            serde_json::to_string_pretty(&document).unwrap()
        }
        Err(_) => output.stdout.clone(),
    };
    told.push_str(&output.stderr);
    let mut files = BTreeMap::new();
    for name in ["d", "fetched"] {
        look(&environment.path(name), name, &mut files);
    }
    for (path, what) in files {
        told.push_str(&format!("{path}: {what}\n"));
    }
    told
}

/// Takes out what differs from run to run.
fn steady(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(steady),
        Value::Object(object) => {
            object.retain(|name, _| !UNSTEADY.contains(&name.as_str()));
            object.values_mut().for_each(steady);
        }
        _ => {}
    }
}

/// Notes all files with their modes and contents.
fn look(path: &Path, name: &str, files: &mut BTreeMap<String, String>) {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return;
    };
    let mode = metadata.permissions().mode();
    if metadata.is_dir() {
        files.insert(name.to_owned(), format!("{mode:o}"));
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let below = format!("{name}/{}", entry.file_name().to_string_lossy());
            look(&entry.path(), &below, files);
        }
    } else {
        let content = fs::read(path).unwrap();
        let text = format!("{mode:o} {:?}", String::from_utf8_lossy(&content));
        files.insert(name.to_owned(), text);
    }
}
