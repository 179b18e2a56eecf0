//! T22: a host that answers what no worker would. This very program plays the worker, in the manner that the environment names;
//! kplay must end the conversation or show what it got, with bounded memory and nothing that a terminal would obey.

use std::io::{BufReader, Write as _, stdin, stdout};

use kplay::kit::Outcome;
use kplay::value::Dict;
use kplay::wire::{
    BUILD, ItemResult, MAXIMUM_FRAME, Order, Report, Status, StepId, TaskResult, encode,
    read_frame, write_frame,
};

use crate::Test;
use crate::controller::{Controller, Ended};

/// The variable that makes a worker of this program.
pub(crate) const MANNER: &str = "KPLAY_TEST_HOSTILE";

pub(crate) const TESTS: &[Test] = &[
    Test::Here("t22_an_honest_answer_is_shown", honest),
    Test::Here("t22_a_worker_of_another_build_is_refused", other_build),
    Test::Here(
        "t22_noise_instead_of_frames_makes_the_host_unreachable",
        noise,
    ),
    Test::Here("t22_a_garbled_frame_makes_the_host_unreachable", garbled),
    Test::Here(
        "t22_an_announced_giant_is_refused_before_memory_is_taken",
        announced,
    ),
    Test::Here(
        "t22_a_frame_that_never_ends_takes_only_what_has_arrived",
        endless,
    ),
    Test::Here("t22_deep_nesting_is_refused", deep),
    Test::Here("t22_answers_to_questions_nobody_asked_are_dropped", unasked),
    Test::Here(
        "t22_escapes_and_bidirectional_controls_do_not_reach_the_terminal",
        escapes,
    ),
    Test::Here("t22_a_worker_that_ends_at_once_says_why", ends),
    Test::Here("t22_a_worker_that_never_greets_is_given_up", mute),
    Test::Here("t22_items_without_end_are_not_kept", items),
    Test::Here("t22_tries_without_end_are_not_kept", tries),
    Test::Here("t22_an_item_of_a_foreign_step_ends_it", foreign),
    Test::Here("t22_questions_without_end_cost_no_memory", questions),
    Test::Here("t22_pieces_of_an_order_that_asked_for_none_end_it", pieces),
];

/// kplay's memory in KiB may not grow beyond this, whatever a worker sends.
const MEMORY: u64 = 400 << 10;

/// Answers the first order in that manner.
pub(crate) fn be(manner: &str) {
    let mut input = BufReader::new(stdin());
    let mut out = stdout().lock();
    let _ = read_frame::<Order>(&mut input);
    match manner {
        "ends" => {
            eprintln!("Segmentation \u{1b}[31mfault");
            return;
        }
        "mute" => {
            std::thread::sleep(std::time::Duration::from_mins(2));
            return;
        }
        "noise" => {
            let _ = out.write_all(&b"Welcome to the machine! ".repeat(1000));
            let _ = out.flush();
        }
        "other build" => {
            let _ = write_frame(&mut out, &Report::Hello("0".repeat(64)));
        }
        _ => {
            let _ = write_frame(&mut out, &Report::Hello(BUILD.to_owned()));
        }
    }
    while let Ok(Some(order)) = read_frame::<Order>(&mut input) {
        let (number, steps) = match order {
            Order::Run(number, batch) => (number, batch.steps),
            Order::Execute(number, _) => (number, Vec::new()),
            _ => continue,
        };
        let mut steps = steps.into_iter().map(|leg| leg.step.id);
        let step = steps.next();
        let said_of = |step: Option<StepId>, text: &str| {
            let value = Dict::new().with("msg", text);
            let Some(step) = step else {
                return Report::Executed(number, Box::new(Outcome::unchanged().with_all(value)));
            };
            let result = TaskResult {
                value: value.with("changed", false),
                ..TaskResult::new(Status::Ok)
            };
            Report::Step(number, step, Box::new(result))
        };
        let said = |text: &str| said_of(step, text);
        if let Some(step) = step
            && let Some(report) = told(manner, number, step)
        {
            let frame = encode(&report).unwrap();
            for _ in 0..MANY {
                if out.write_all(&frame).is_err() {
                    return;
                }
            }
        }
        let bytes = match manner {
            "garbled" => {
                let mut frame = encode(&said("fine")).unwrap();
                frame[4] = 0xfe;
                frame
            }
            "announced" => u32::MAX.to_le_bytes().to_vec(),
            "endless" => {
                let length = u32::try_from(MAXIMUM_FRAME).unwrap();
                let mut frame = length.to_le_bytes().to_vec();
                frame.extend([0; 100]);
                let _ = out.write_all(&frame);
                let _ = out.flush();
                return;
            }
            "deep" => {
                let mut frame = encode(&said("HERE")).unwrap();
                let at = frame
                    .windows(4)
                    .position(|window| window == b"HERE")
                    .unwrap();
                // Behind the key stands the text's tag and length; lists of one list take their place.
                frame.truncate(at - 2);
                frame.extend([7, 1].repeat(4_000_000));
                let length = u32::try_from(frame.len() - 4).unwrap();
                frame[..4].copy_from_slice(&length.to_le_bytes());
                frame
            }
            "escapes" => encode(&said(ESCAPES)).unwrap(),
            "unasked" => {
                let mut bytes = Vec::new();
                for other in [number + 1, number + 7, u64::MAX] {
                    bytes.extend(encode(&Report::Failed(other, "not asked".to_owned())).unwrap());
                    bytes.extend(encode(&Report::Piece(other, vec![0; 1000], false)).unwrap());
                    bytes.extend(encode(&Report::AskContent(other, other)).unwrap());
                }
                bytes.extend(encode(&said("fine")).unwrap());
                bytes
            }
            _ => encode(&said("fine")).unwrap(),
        };
        let _ = out.write_all(&bytes);
        for later in steps {
            let _ = write_frame(&mut out, &said_of(Some(later), "fine"));
        }
        let _ = out.flush();
        if step.is_some() {
            let _ = write_frame(&mut out, &Report::BatchDone(number));
        }
    }
}

/// How often a worker repeats itself, which is more than fits.
const MANY: usize = 1_000_000;

/// What a worker in that manner repeats before it answers.
fn told(manner: &str, number: u64, step: StepId) -> Option<Report> {
    let item = |step| {
        let item = ItemResult {
            status: Status::Ok,
            value: Dict::new().with("msg", "x".repeat(500)),
            label: "one".into(),
            diff: Vec::new(),
            no_log: false,
            ignored: false,
            shown: false,
            delegated: None,
        };
        Report::Item(number, step, Box::new(item))
    };
    Some(match manner {
        "items" => item(step),
        "tries" => Report::Retry(number, step, 3, Box::new(Dict::new().with("rc", 1))),
        "foreign" => item(StepId(step.0 + 1)),
        "questions" => Report::AskContent(1, 1),
        "pieces" => Report::Piece(number, vec![0; 1000], false),
        _ => return None,
    })
}

/// Sets the title, clears the screen, writes backwards, overwrites the line, answers back.
const ESCAPES: &str = "begin \u{1b}]0;owned\u{7} \u{1b}[2J \u{9b}31m \u{202e}desrever\u{2066} \u{8}\u{8} \rover \u{1b}[6n end";

fn controller(manner: &str) -> Controller {
    Controller::new(
        "bad ansible_connection=local\n",
        "- hosts: bad\n  gather_facts: false\n  tasks:\n    - ping:\n      register: answer\n    - command: 'true'\n",
    )
    .worker(&std::env::current_exe().unwrap())
    .variable(MANNER, manner)
}

/// Returns the most memory in KiB that a process has had, as long as it runs.
fn peak(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches(" kB").parse().unwrap())
}

fn run(manner: &str) -> Ended {
    let controller = controller(manner);
    let mut most = 0;
    let running = controller.start(&["-v"]);
    let id = running.id();
    let watching = std::thread::spawn(move || {
        while let Some(now) = peak(id) {
            most = now;
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        most
    });
    let ended = running.wait();
    let most: u64 = watching.join().unwrap();
    assert!(most < MEMORY, "kplay took {most} KiB");
    ended
}

/// The positive control: the same worker, when it behaves, is believed.
fn honest() {
    run("honest").code(0).says(&["\"fine\"", "ok=2"]);
}

fn other_build() {
    run("other build")
        .code(4)
        .says(&["another build", "unreachable=1"]);
}

fn noise() {
    run("noise")
        .code(4)
        .says(&["UNREACHABLE!", "unreachable=1"]);
}

fn garbled() {
    run("garbled")
        .code(4)
        .says(&["UNREACHABLE!", "unreachable=1"]);
}

fn announced() {
    run("announced")
        .code(4)
        .says(&["4294967295 bytes", "unreachable=1"]);
}

fn endless() {
    run("endless")
        .code(4)
        .says(&["UNREACHABLE!", "unreachable=1"]);
}

fn deep() {
    run("deep").code(4).says(&["UNREACHABLE!", "unreachable=1"]);
}

fn unasked() {
    run("unasked")
        .code(0)
        .says(&["ok=2"])
        .says_nothing_of(&["not asked"]);
}

fn ends() {
    let ended = run("ends").code(4).says(&["Segmentation", "unreachable=1"]);
    assert!(!ended.text.contains('\u{1b}'), "{}", ended.text);
}

fn mute() {
    run("mute")
        .code(4)
        .says(&["said nothing for 15 s", "unreachable=1"]);
}

fn items() {
    run("items")
        .code(4)
        .says(&["more of a step than can be kept", "unreachable=1"]);
}

fn tries() {
    run("tries")
        .code(4)
        .says(&["more of a step than can be kept", "unreachable=1"]);
}

fn foreign() {
    run("foreign")
        .code(4)
        .says(&["wrong answer", "unreachable=1"]);
}

/// They are answered (there is no such content) as fast as the worker listens, which this one does not.
fn questions() {
    let started = std::time::Instant::now();
    let controller = controller("questions");
    let running = controller.start(&[]);
    let id = running.id();
    let mut most = 0;
    while started.elapsed() < std::time::Duration::from_secs(4) {
        most = most.max(peak(id).unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    running.signal(rustix::process::Signal::INT);
    running.wait();
    assert!(most > 0 && most < MEMORY, "kplay took {most} KiB");
}

fn pieces() {
    run("pieces")
        .code(4)
        .says(&["wrong answer", "unreachable=1"]);
}

fn escapes() {
    let ended = run("escapes").code(0).says(&["begin", "end"]);
    for character in [
        '\u{1b}', '\u{7}', '\u{8}', '\u{9b}', '\r', '\u{202e}', '\u{2066}',
    ] {
        assert!(
            !ended.text.contains(character),
            "{character:?} in {:?}",
            ended.text
        );
    }
}
