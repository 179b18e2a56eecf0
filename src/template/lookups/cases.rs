//! What no recorded answer shows: marks, files that are written, words of errors, and a host without a controller.

use std::path::Path;

use super::fake::FakeController;
use crate::diag::Span;
use crate::template::{Scope, Templar, TemplateError};
use crate::value::{Dict, Value};

struct Case {
    root: tempfile::TempDir,
    controller: FakeController,
    variables: Dict,
}

fn case() -> Case {
    let root = tempfile::tempdir().unwrap();
    let controller = FakeController::new(root.path());
    Case {
        root,
        controller,
        variables: Dict::new(),
    }
}

impl Case {
    fn write(&self, name: &str, content: &str) -> &Self {
        let path = self.root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    fn written(&self, name: &str) -> String {
        std::fs::read_to_string(self.root.path().join(name)).unwrap()
    }

    fn ask(&self, text: &str) -> Result<Value, TemplateError> {
        let scope = Scope {
            variables: &self.variables,
            outside: Some(&self.controller),
            sources: None,
        };
        Templar::new().expression(text, Span::NONE, &scope)
    }

    fn refusal(&self, text: &str) -> String {
        self.ask(text).unwrap_err().to_string()
    }
}

#[test]
fn results_are_never_templates() {
    let mut case = case();
    case.write("files/a", "{{ word }}")
        .write("t.csv", "k,{{ word }}\n");
    case.controller
        .pages
        .insert("http://x/".to_owned(), b"{{ word }}\n".to_vec());
    case.controller
        .environment
        .insert("E".to_owned(), "{{ word }}".to_owned());
    for text in [
        "lookup('file', 'a')",
        "lookup('unvault', 'a')",
        "lookup('pipe', 'cat files/a')",
        "lookup('url', 'http://x/')",
        "lookup('env', 'E')",
        "lookup('csvfile', 'k', file='t.csv', delimiter=',')",
    ] {
        let value = case.ask(text).unwrap();
        assert_eq!(value.as_str(), Some("{{ word }}"), "{text}");
        assert!(!value.is_trusted() && !value.is_secret(), "{text}");
    }
}

#[test]
fn what_comes_out_of_a_vault_is_secret() {
    let mut case = case();
    case.write("files/v", "k,1\n")
        .write("v.ini", "[global]\na=1\n");
    case.write("templates/v.j2", "x{{ 1 }}");
    case.controller.vaults = ["v", "v.ini", "v.j2"].map(str::to_owned).to_vec();
    for text in [
        "lookup('file', 'v')",
        "lookup('unvault', 'v')",
        "lookup('template', 'v.j2')",
        "lookup('csvfile', 'k', file='v', delimiter=',')",
        "lookup('ini', 'a', file='v.ini')",
    ] {
        assert!(case.ask(text).unwrap().is_secret(), "{text}");
    }
}

#[test]
fn a_password_is_kept_and_secret() {
    let case = case();
    let first = case
        .ask("lookup('password', 'secrets/p length=12 chars=digits')")
        .unwrap();
    assert!(first.is_secret());
    let text = first.as_str().unwrap();
    assert!(text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit()));
    assert_eq!(case.written("secrets/p"), format!("{text}\n"));
    let again = case
        .ask("lookup('password', 'secrets/p length=40')")
        .unwrap();
    assert_eq!(again, first);
}

#[test]
fn a_hash_keeps_its_salt() {
    let case = case();
    case.write("p", "secret\n");
    let first = case
        .ask("lookup('password', 'p', encrypt='sha256_crypt')")
        .unwrap();
    let content = case.written("p");
    let salt = content.strip_prefix("secret salt=").unwrap().trim_end();
    assert_eq!(salt.len(), 16);
    assert!(first.as_str().unwrap().contains(salt) && first.is_secret());
    let again = case
        .ask("lookup('password', 'p encrypt=sha256_crypt')")
        .unwrap();
    assert_eq!(again, first);
    assert_eq!(case.written("p"), content);
    assert_eq!(
        case.ask("lookup('password', 'p')").unwrap().as_str(),
        Some("secret")
    );
}

#[test]
fn dev_null_is_not_written_and_home_is_expanded() {
    let case = case();
    case.ask("lookup('password', '/dev/null')").unwrap();
    case.ask("lookup('password', '~/p length=3')").unwrap();
    assert_eq!(case.written("home/p").len(), 4);
}

#[test]
fn errors_name_the_lookup_and_where_it_looked() {
    let case = case();
    case.write("u.ini", "[a]\nx=%(y)s\ny=%(x)s\n")
        .write("bytes", "");
    std::fs::write(case.root.path().join("bytes"), [0xff, 0xfe]).unwrap();
    let root = case.root.path().display().to_string();
    for (text, said) in [
        (
            "lookup('file', 'none')",
            format!(
                "the lookup `file`: there is no file `none`; searched: `{root}/files/none`, `{root}/none`"
            ),
        ),
        (
            "lookup('template', 'none')",
            format!("`{root}/templates/none`, `{root}/none`"),
        ),
        (
            "lookup('file', '/none')",
            "the lookup `file`: there is no file `/none`".to_owned(),
        ),
        ("lookup('file', 'bytes')", "is not UTF-8 text".to_owned()),
        (
            "lookup('file', 5)",
            "a term must be text, not int".to_owned(),
        ),
        (
            "lookup('first_found', 'a', 'b')",
            format!("none of its files exists: `a`, `b`; searched from `{root}`"),
        ),
        (
            "lookup('pipe', 'echo no >&2; exit 3')",
            "`echo no >&2; exit 3` ended with status 3: no".to_owned(),
        ),
        (
            "lookup('csvfile', 'k', file='none')",
            "the lookup `csvfile`: there is no file `none`".to_owned(),
        ),
        (
            "lookup('csvfile', 'k', col='x')",
            "no file `ansible.csv`".to_owned(),
        ),
        (
            "lookup('ini', 'x', file='u.ini', section='b')",
            "`u.ini` has no section `b`".to_owned(),
        ),
        (
            "lookup('ini', 'x', file='u.ini', section='a')",
            "leads back to itself".to_owned(),
        ),
        (
            "query('sequence', 'end=x')",
            "`end` must be an integer, not 'x'".to_owned(),
        ),
        (
            "query('sequence', 'end=3 bogus=1')",
            "the lookup `sequence`: it has no option `bogus`".to_owned(),
        ),
        (
            "lookup('password', 'p bogus=1')",
            "the lookup `password`: it has no option `bogus`".to_owned(),
        ),
        (
            "lookup('url', 'http://none/')",
            "the lookup `url`: `http://none/` answers 404".to_owned(),
        ),
        (
            "lookup('config', 'NONE')",
            "the lookup `config`: there is no setting `NONE`".to_owned(),
        ),
        (
            "lookup('subelements', [{}], 'k')",
            "there is no `k` in an item".to_owned(),
        ),
        (
            "lookup('varnames', '(')",
            "the lookup `varnames`: `(`".to_owned(),
        ),
        (
            "lookup('fileglobb', 'x')",
            "there is no lookup `fileglobb`".to_owned(),
        ),
    ] {
        let message = case.refusal(text);
        assert!(message.contains(&said), "{text}: {message}");
    }
    assert!(!Path::new(&root).join("p").exists());
}

#[test]
fn what_needs_the_controller_says_so_on_a_host() {
    let mut variables = Dict::new();
    variables.insert("word", "World");
    let scope = Scope {
        variables: &variables,
        outside: None,
        sources: None,
    };
    let ask = |text: &str| Templar::new().expression(text, Span::NONE, &scope);
    for name in [
        "config",
        "csvfile",
        "env",
        "file",
        "fileglob",
        "first_found",
        "ini",
        "inventory_hostnames",
        "lines",
        "password",
        "pipe",
        "template",
        "unvault",
        "url",
    ] {
        let error = ask(&format!("query('{name}', 'x')")).unwrap_err();
        let wanted = TemplateError::Elsewhere(format!("the lookup `{name}`"));
        assert_eq!(error, wanted);
    }
    assert_eq!(
        ask("lookup('vars', 'word')").unwrap().as_str(),
        Some("World")
    );
    for text in [
        "query('items', [1])",
        "query('nested', [1], [2])",
        "query('sequence', '2')",
        "query('varnames', 'w')",
        "query('random_choice', 1)",
    ] {
        assert!(ask(text).is_ok(), "{text}");
    }
}

#[test]
fn pages_are_split_into_lines_unless_told_otherwise() {
    let mut case = case();
    case.controller
        .pages
        .insert("http://x/".to_owned(), b"a\r\nb\n".to_vec());
    let lines = case.ask("query('url', 'http://x/')").unwrap();
    assert_eq!(lines.to_json(), serde_json::json!(["a", "b"]));
    let whole = case
        .ask("lookup('url', 'http://x/', split_lines=false)")
        .unwrap();
    assert_eq!(whole.as_str(), Some("a\r\nb\n"));
}

#[test]
fn settings_of_a_template_join_its_own_header() {
    let case = case();
    case.write(
        "templates/h.j2",
        "#jinja2: trim_blocks:False\n{% if 1 %}\n<< 1 >>{% endif %}\n",
    );
    let text = "lookup('template', 'h.j2', variable_start_string='<<', variable_end_string='>>')";
    assert_eq!(case.ask(text).unwrap().as_str(), Some("\n1\n"));
}
