//! Jobs (`async`) go on when the run that began them is over: another run asks for them.

use std::time::{Duration, Instant};

use crate::support::TestEnvironment;

/// Begins a job that waits for a file, and says which job it is.
const BEGIN: &str = "\
- hosts: all
  gather_facts: false
  tasks:
    - shell: 'until [ -e {{ playbook_dir }}/go ]; do sleep 0.05; done; echo went'
      async: 60
      poll: 0
      register: job
    - copy: {content: '{{ job.ansible_job_id }}', dest: '{{ playbook_dir }}/job'}
";

/// Asks for it.
const ASK: &str = "\
- hosts: all
  gather_facts: false
  tasks:
    - async_status: {jid: \"{{ lookup('file', 'job') }}\"}
      register: job
    - debug: {msg: 'finished={{ job.finished }} stdout={{ job.stdout }}'}
";

fn environment() -> TestEnvironment {
    TestEnvironment::new()
        .write("hosts", "localhost ansible_connection=local\n")
        .write("begin.yml", BEGIN)
        .write("ask.yml", ASK)
}

#[test]
fn a_job_outlives_its_run() {
    let environment = environment();
    environment.run(["begin.yml", "-i", "hosts"]).success();
    let ask = || environment.run(["ask.yml", "-i", "hosts"]).success().stdout;
    let first = ask();
    assert!(first.contains("finished=False stdout="), "{first}");
    std::fs::write(environment.path("go"), "").unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let said = ask();
        if said.contains("finished=True stdout=went") {
            break;
        }
        assert!(Instant::now() < end, "{said}");
    }
    let directory = environment.home().join(".ansible_async");
    let mode = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode(&directory), 0o700);
    let job = std::fs::read_to_string(environment.path("job")).unwrap();
    assert_eq!(mode(&directory.join(job)), 0o600);
}

#[test]
fn a_job_that_has_no_more_time_is_ended() {
    let play = "\
- hosts: all
  gather_facts: false
  tasks:
    - shell: 'echo $$ > {{ playbook_dir }}/pid; exec sleep 600'
      async: 1
      poll: 0
      register: job
    - async_status: {jid: '{{ job.ansible_job_id }}'}
      register: end
      until: end is finished
      retries: 200
      delay: 0.1
      ignore_errors: true
    - debug: {msg: 'it says {{ end.msg }}'}
";
    let environment = environment().write("late.yml", play);
    let output = environment.run(["late.yml", "-i", "hosts"]).success();
    assert!(
        output.stdout.contains("it says Timeout exceeded"),
        "{}",
        output.text()
    );
    let pid = std::fs::read_to_string(environment.path("pid")).unwrap();
    let line = std::fs::read_to_string(format!("/proc/{}/cmdline", pid.trim()));
    assert!(line.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound));
}
