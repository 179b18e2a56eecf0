//! T1, T5 and T6: what a host says is text and never a template; what is secret is shown nowhere, in no encoding, and is in no
//! command line. Each has its positive control: the same look finds what is not protected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Test;
use crate::controller::Controller;
use crate::lab::Host;

pub(crate) const TESTS: &[Test] = &[
    Test::Here("t1_what_a_host_says_is_never_a_template", literal),
    Test::Here("t5_no_log_hides_content_at_every_verbosity", no_log),
    Test::Hosts("t6_secrets_are_in_no_command_line", 1, command_lines),
];

fn literal() {
    let controller = Controller::local(
        r#"- hosts: here
  gather_facts: false
  tasks:
    - command: cat payload
      register: said
    - slurp: {src: payload}
      register: slurped
    - set_fact:
        fact: "{{ said.stdout }}"
        decoded: "{{ slurped.content | b64decode }}"
        nested: {list: ["{{ said.stdout }}", "{{ said.stdout_lines }}"]}
    - debug: msg="{{ said.stdout }}|{{ fact }}|{{ decoded }}|{{ nested }}"
    - debug: var=fact
    - debug: msg="{{ item }}"
      loop: "{{ said.stdout_lines + [fact, decoded] + nested.list }}"
    - name: "named {{ fact }}"
      debug: msg="{{ hostvars['here']['fact'] }} {{ hostvars['here'].nested }}"
    - assert: {that: ["'7*7' in fact", "'7*7' in nested.list[0]", "fact == decoded | trim"]}
    - copy: {content: "{{ fact }} {{ decoded }} {{ lookup('vars', 'fact') }}", dest: copied}
    - template: {src: t.j2, dest: made}
    - add_host: {name: "new", groups: [news], passed: "{{ fact }}"}
    - debug: msg="{{ hostvars['new'].passed }} {{ lookup('file', 'payload') }} {{ lookup('pipe', 'cat payload') }}"
    - debug: msg="conditional"
      when: fact
      ignore_errors: true
    - assert: {that: "{{ fact }}"}
      ignore_errors: true
    - debug: msg=fine
      when: "'no' in fact and fact is string"
"#,
    )
    .write("payload", "#jinja2: variable_start_string:'[['\n{{ 7*7*143 }} no {% set x = 7*7*143 %}{{ x }}{{ lookup('pipe', 'touch executed') }}\n{{ '{{' }} 7*7*143 }} [[ 7*7*143 ]]\n")
    .write("t.j2", "{{ fact }} {{ nested.list[1][1] }}\n");
    let ended = controller.run(&["-v"]);
    assert!(!controller.path("executed").exists(), "{}", ended.text);
    let ended = ended
        .code(0)
        .says(&["{{ 7*7*143 }}"])
        .says_nothing_of(&["7007"]);
    for name in ["copied", "made"] {
        let written = std::fs::read_to_string(controller.path(name)).unwrap();
        assert!(
            written.contains("{{ 7*7*143 }}") && !written.contains("7007"),
            "{written}\n{}",
            ended.text
        );
    }
    // The positive control: the same text in the playbook is a template.
    let control = Controller::local(
        "- hosts: here\n  gather_facts: false\n  tasks:\n    - debug: msg=\"{{ 7*7*143 }} {{ lookup('pipe', 'touch executed') }}\"\n",
    );
    control.run(&[]).code(0).says(&["7007"]);
    assert!(control.path("executed").exists());
}

const SECRET: &str = "CANARY-5e1f";

/// The secret as it is and as other programs may have written it down.
fn encodings() -> [String; 5] {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    [
        SECRET.to_owned(),
        "Q0FOQVJZLTVlMW".to_owned(), // base64
        hex,
        SECRET.replace('-', "%2D"),
        SECRET.replace('-', "\\u002d"),
    ]
}

fn no_log() {
    let playbook = |no_log: bool| {
        format!(
            r#"- hosts: here
  gather_facts: false
  no_log: {no_log}
  vars: {{ pin: {SECRET} }}
  tasks:
    - name: said
      command: echo {{{{ pin }}}}
      register: said
    - debug: msg="{{{{ said.stdout }}}}"
    - debug: var=said
    - debug: msg="{{{{ item }}}}"
      loop: ["{{{{ pin }}}}", "{{{{ said }}}}"]
      loop_control: {{ label: "{{{{ pin }}}} labelled" }}
    - command: "false {{{{ item }}}}"
      loop: ["{{{{ pin }}}}"]
      ignore_errors: true
    - copy: {{ content: "{{{{ pin }}}}", dest: ./written }}
      diff: true
    - lineinfile: {{ path: ./written, line: "more {{{{ pin }}}}" }}
      diff: true
    - fail: msg="{{{{ pin }}}}"
      ignore_errors: true
    - assert: {{ that: "pin == 'x'", fail_msg: "{{{{ pin }}}}" }}
      ignore_errors: true
    - debug: msg="{{{{ pin.nothing.at_all }}}}"
      ignore_errors: true
    - debug: msg="{{{{ pin | int(base='x') }}}}"
      ignore_errors: true
    - slurp: {{ src: ./written }}
    - shell: "echo {{{{ pin }}}} >&2; exit 1"
      ignore_errors: true
    - set_fact: {{ other: "{{{{ pin }}}}" }}
"#
        )
    };
    let open = Controller::local(&playbook(false)).run(&["-vvvv", "--diff"]);
    for form in &encodings()[..2] {
        assert!(
            open.text.contains(form),
            "the positive control shows no `{form}`:\n{}",
            open.text
        );
    }
    for arguments in [
        &["-vvvv", "--diff"][..],
        &["-v"],
        &["--check", "--diff", "-vvv"],
    ] {
        let closed = Controller::local(&playbook(true)).run(arguments);
        for form in encodings() {
            // The playbook itself may be quoted where it is at fault; its own line of `vars` may not be needed for that.
            assert!(
                !closed.text.contains(&form),
                "`{form}` is shown with {arguments:?}:\n{}",
                closed.text
            );
        }
    }
}

/// Looks at all command lines of this machine, on which the hosts of the lab run as well, while `work` goes on.
fn seen(words: &[&str], work: impl FnOnce()) -> Vec<String> {
    let over = Arc::new(AtomicBool::new(false));
    let (until, wanted) = (
        over.clone(),
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>(),
    );
    let watcher = std::thread::spawn(move || {
        let mut found = Vec::new();
        while !until.load(Ordering::Relaxed) {
            for process in std::fs::read_dir("/proc").unwrap().flatten() {
                let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).into_owned();
                found.extend(wanted.iter().filter(|word| line.contains(*word)).cloned());
            }
        }
        found.sort();
        found.dedup();
        found
    });
    work();
    over.store(true, Ordering::Relaxed);
    watcher.join().unwrap()
}

fn command_lines(hosts: &[Host]) {
    let host = &hosts[0];
    host.shell("echo secure:CANARY-6b7a | chpasswd");
    let controller = Controller::new(
        &host.line("h1", "secure"),
        "- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n    - shell: 'sleep 0.3 # CANARY-shown'\n    - copy: {content: '{{ pin }}', dest: /root/t6, mode: '0600'}\n    - command: cat\n      args: {stdin: '{{ pin }}'}\n    - shell: sleep 0.3\n      environment: {PIN: '{{ pin }}'}\n    - lineinfile: {path: /root/t6, line: 'x {{ pin }}'}\n",
    )
    .write("vars.yml", "pin: CANARY-6c8b\n")
    .write("password", "CANARY-6b7a\n");
    let found = seen(&["CANARY-6b7a", "CANARY-6c8b", "CANARY-shown"], || {
        let ended = controller.run(&["-e", "@vars.yml", "--become-password-file", "password"]);
        host.command("echo secure:secure-pass | chpasswd; rm -f /root/t6")
            .output()
            .unwrap();
        ended.code(0);
    });
    assert_eq!(found, ["CANARY-shown"]);
}
