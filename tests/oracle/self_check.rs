//! The harness checked against itself: a comparison that cannot fail would prove nothing. Called by `main`, which runs
//! these before the cases.

use std::path::Path;

use libtest_mimic::{Completion, Failed, Trial};
use serde_json::{Value, json};

use crate::compare::{apply_allowances, comparable, differences};
use crate::hosts::Pool;
use crate::normalise::Normaliser;
use crate::{case, record, screen};

type Check = fn() -> Result<(), Failed>;

/// `CAP_SYS_TIME` in a mask of `/proc/PID/status`.
const SYS_TIME: u64 = 1 << 25;

pub(crate) fn trials() -> Vec<Trial> {
    let checks: [(&str, Check); 5] = [
        (
            "harness::every_case_has_a_valid_record",
            every_case_has_a_valid_record,
        ),
        (
            "harness::every_changed_value_of_a_record_is_a_difference",
            every_changed_value_of_a_record_is_a_difference,
        ),
        (
            "harness::an_allowance_covers_its_place_alone",
            an_allowance_covers_its_place_alone,
        ),
        (
            "harness::the_screen_is_read_as_it_is_printed",
            the_screen_is_read_as_it_is_printed,
        ),
        (
            "harness::only_what_varies_is_normalised",
            only_what_varies_is_normalised,
        ),
    ];
    let clock = Trial::ignorable_test("harness::no_host_can_move_the_clock", || {
        no_host_can_move_the_clock()
    });
    let checks = checks
        .into_iter()
        .map(|(name, check)| Trial::test(name, check));
    checks.chain([clock]).collect()
}

/// Whatever runs on a host, whichever way it came there: setting a clock there would set this machine's.
fn no_host_can_move_the_clock() -> Result<Completion, Failed> {
    let pool = match Pool::find() {
        Ok(pool) => pool,
        Err(reason) => return Ok(Completion::ignored_with(reason)),
    };
    let claim = pool.claim(1)?;
    for host in &claim.hosts {
        let script = "for process in self 1; do grep ^CapBnd: /proc/$process/status; done";
        let masks = claim.shell(host, Path::new("/"), script, &[])?;
        let masks: Vec<u64> = masks
            .lines()
            .filter_map(|line| u64::from_str_radix(line.strip_prefix("CapBnd:")?.trim(), 16).ok())
            .collect();
        if masks.len() != 2 || masks.iter().any(|mask| mask & SYS_TIME != 0) {
            return Err(format!("a process of a host may set the clock: {masks:x?}").into());
        }
    }
    Ok(Completion::Completed)
}

fn every_case_has_a_valid_record() -> Result<(), Failed> {
    let stale: Vec<String> = case::names()
        .into_iter()
        .filter(|name| {
            let case = case::Case::load(name);
            case.and_then(|case| record::read(&case)).is_err()
        })
        .collect();
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!("to be recorded: {}", stale.join(", ")).into())
    }
}

/// The positive control of every case at once: whatever single value of a record is changed, the comparison sees it.
fn every_changed_value_of_a_record_is_a_difference() -> Result<(), Failed> {
    for name in case::names() {
        let answer = comparable(&record::read(&case::Case::load(&name)?)?);
        if !differences(&answer, &answer).is_empty() {
            return Err(format!("{name}: a record differs from itself").into());
        }
        let mut leaves = 0;
        count_leaves(&answer, &mut leaves);
        // Each fortieth value is enough of a proof, and quick.
        for leaf in (0..leaves).step_by(40) {
            let mut changed = answer.clone();
            let mut number = leaf;
            change_leaf(&mut changed, &mut number);
            if differences(&answer, &changed).len() != 1 {
                return Err(format!("{name}: a change of value {leaf} was not seen").into());
            }
        }
    }
    Ok(())
}

fn count_leaves(value: &Value, count: &mut usize) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| count_leaves(item, count)),
        Value::Object(object) => object.values().for_each(|item| count_leaves(item, count)),
        _ => *count += 1,
    }
}

/// Replaces the leaf with this number by one that no engine ever prints.
fn change_leaf(value: &mut Value, number: &mut usize) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().any(|item| change_leaf(item, number)),
        Value::Object(object) => object.values_mut().any(|item| change_leaf(item, number)),
        leaf if *number == 0 => {
            *leaf = json!("changed by the harness");
            true
        }
        _ => {
            *number -= 1;
            false
        }
    }
}

fn an_allowance_covers_its_place_alone() -> Result<(), Failed> {
    let recorded = json!({"run 1": {"registers": {"h1": {"a": {"msg": "x", "rc": 0}}}}});
    let observed = json!({"run 1": {"registers": {"h1": {"a": {"msg": "y", "rc": 1}}}}});
    let allow: Vec<case::Allowance> = serde_json::from_value(
        json!([{"at": "run */a/msg", "reason": "r"}, {"at": "*/nothing", "reason": "r"}]),
    )?;
    let (rest, unused) = apply_allowances(differences(&recorded, &observed), &allow);
    let rest: Vec<&str> = rest
        .iter()
        .map(|difference| difference.at.as_str())
        .collect();
    same(
        &(rest, unused),
        &(
            vec!["run 1/registers/h1/a/rc"],
            vec!["*/nothing".to_owned()],
        ),
    )
}

fn the_screen_is_read_as_it_is_printed() -> Result<(), Failed> {
    let printed = "\nPLAY [all] ****\n\nTASK [one] *****\nchanged: [h2] => (item=b)\n[ERROR]: what went wrong\nOrigin: x\n\n\
        fatal: [h1]: FAILED! => {\"msg\": \"no\"}\n...ignoring\n\nTASK [two] ****\nok: [h1 -> h3] => {\n    \"msg\": 1\n}\n\n\
        PLAY RECAP *****\nh1   : ok=2    changed=0   \n";
    let screen = screen::parse(printed);
    let expected = json!([
        {"heading": "PLAY [all]", "lines": []},
        {"heading": "TASK [one]", "lines": [
            {"line": "fatal: [h1]: FAILED! =>", "body": {"msg": "no"}}, "...ignoring", "changed: [h2] => (item=b)",
        ]},
        {"heading": "TASK [two]", "lines": [{"line": "ok: [h1 -> h3] =>", "body": {"msg": 1}}]},
    ]);
    same(&Value::Array(screen.entries), &expected)?;
    same(
        &Value::Object(screen.recap),
        &json!({"h1": "ok=2 changed=0"}),
    )
}

fn only_what_varies_is_normalised() -> Result<(), Failed> {
    let names = [(r"\bkp1\b".to_owned(), "<name of h1>".to_owned())];
    let normaliser = Normaliser::new(
        vec![("/tmp/scratch".to_owned(), "<scratch>".to_owned())],
        &names,
    )?;
    for (text, expected) in [
        ("/tmp/scratch/a", "<scratch>/a"),
        ("kp1 kp10", "<name of h1> kp10"),
        ("/var/tmp/ansible-tmp-1.2-3/.source", "<temporary path>"),
        (
            "/root/.ansible/tmp/ansible-tmp-1.2-3/x.py",
            "<temporary path>",
        ),
        ("/etc/a.42.2026-01-02@03:04:05~", "/etc/a.<backup>~"),
        (
            "Task failed: Module failed: no such thing: x",
            "no such thing: x",
        ),
        ("/opt/kplay-repo stays", "/opt/kplay-repo stays"),
    ] {
        same(&normaliser.text(text).as_str(), &expected)?;
    }
    let value = normaliser.value(
        json!({"start": "now", "rc": 0, "warnings": ["w"], "stat": {"exists": true, "mtime": 1.5}}),
    );
    same(
        &value,
        &json!({"start": "<start>", "rc": 0, "stat": {"exists": true, "mtime": "<mtime>"}}),
    )
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), Failed> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("found {found:?}, expected {expected:?}").into())
    }
}
