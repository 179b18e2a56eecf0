//! The quickstart, which is the first thing that anybody runs: it must converge, and a check must tell what is broken.

use std::fs;

use crate::support::{TestEnvironment, repository};

/// The recap of the only host, with single blanks.
fn recap(text: &str) -> String {
    text.lines()
        .filter(|line| line.starts_with("localhost ") && line.contains("ok="))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn changed(text: &str) -> bool {
    !recap(text).contains("changed=0 ")
}

#[test]
fn the_quickstart_converges_and_a_check_names_what_is_broken() {
    let environment = TestEnvironment::new();
    let playbook = repository("playbooks/quickstart.yml");
    let run = |arguments: &[&str]| {
        let mut words = vec![playbook.to_str().unwrap()];
        words.extend(arguments);
        environment.run(words).success().stdout
    };

    let first = run(&[]);
    assert!(changed(&first), "{first}");
    let second = run(&[]);
    assert!(
        !changed(&second),
        "the second run changes nothing:\n{second}"
    );

    let configuration = environment
        .home()
        .join(".cache/kplay/quickstart/server.conf");
    let good = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, "workers 99\n").unwrap();
    let check = run(&["--check", "--diff"]);
    assert!(changed(&check), "{check}");
    assert!(check.contains("-workers 99"), "{check}");
    assert_eq!(
        fs::read_to_string(&configuration).unwrap(),
        "workers 99\n",
        "a check changes nothing"
    );

    let third = run(&[]);
    assert!(changed(&third), "{third}");
    assert_eq!(fs::read_to_string(&configuration).unwrap(), good);
}

#[test]
fn a_playbook_that_is_not_there_is_an_error() {
    let printed = TestEnvironment::new().run(["nothing.yml"]).code(1);
    assert!(printed.stdout.is_empty(), "{}", printed.stdout);
    assert!(
        printed.stderr.contains("`nothing.yml`"),
        "{}",
        printed.stderr
    );
}
