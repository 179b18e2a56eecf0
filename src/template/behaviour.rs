//! What the answers recorded from ansible-core cannot show: trust, secrets, places of errors, laziness, limits.
//!
//! Longer than most files: its length is a table of cases.

use std::cell::Cell;
use std::sync::Arc;

use super::{FileSettings, Scope, Templar, TemplateError};
use crate::diag::{SourceMap, Span};
use crate::value::{Dict, Fault, Value};
use crate::vars::{Found, Variables};

fn trusted(text: &str) -> Value {
    Value::template(text, Span::NONE)
}

fn render(text: &str, variables: &dyn Variables) -> Result<Value, TemplateError> {
    Templar::new().render(
        &trusted(text),
        &Scope {
            variables,
            outside: None,
            sources: None,
        },
    )
}

fn condition(text: &Value, variables: &dyn Variables) -> Result<bool, TemplateError> {
    Templar::new().condition(
        text,
        &Scope {
            variables,
            outside: None,
            sources: None,
        },
    )
}

fn fault(result: Result<Value, TemplateError>) -> Fault {
    match result {
        Err(TemplateError::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

const HOSTILE: [&str; 5] = [
    "{{ secret }}",
    "{% set x = 1 %}",
    "#jinja2: trim_blocks: False\n{{ secret }}",
    "a\n{{ 7 * 7 }}",
    "{{ lookup('pipe', 'id') }}",
];

#[test]
fn t1_text_of_hosts_is_never_evaluated() {
    for hostile in HOSTILE {
        let remote = Value::dict(
            Dict::new()
                .with("stdout", hostile)
                .with("lines", vec![hostile, "x"]),
        );
        let variables = Dict::new()
            .with("secret", "leaked")
            .with("result", remote)
            .with("plain", hostile)
            .with("again", trusted("{{ result.stdout }}"))
            .with(
                "nested",
                Value::list([Value::dict(
                    Dict::new().with("deep", trusted("{{ plain }}")),
                )]),
            );
        for text in [
            "{{ plain }}",
            "{{ result.stdout }}",
            "{{ result['stdout'] }}",
            "{{ again }}",
            "{{ nested[0].deep }}",
            "{{ result.lines[0] }}",
            "{{ result.lines | list | default([]) | join('') if no is defined else plain }}",
            "{% for line in result.lines %}{% if loop.first %}{{ line }}{% endif %}{% endfor %}",
            "{% set copy = plain %}{{ copy }}",
            "{{ plain ~ '' }}",
            "{{ '%s' % plain }}",
            "{{ [plain][0] }}",
            "{{ {'a': plain}.a }}",
            "{{ lookup('items', plain) }}",
        ] {
            let value = render(text, &variables).unwrap();
            assert_eq!(
                value.as_str().map(|text| text.trim_end_matches('\n')),
                Some(hostile),
                "{text}"
            );
            assert!(!value.is_trusted(), "{text}");
            // What was rendered once stays text when it is used again.
            assert_eq!(
                render("{{ x }}", &Dict::new().with("x", value.clone())).unwrap(),
                value
            );
        }
        assert!(condition(&trusted("plain == '' or plain is string"), &variables).unwrap());
        assert!(condition(&Value::text("secret == 'leaked'"), &variables).is_err());
        assert!(condition(&trusted("{{ plain }}"), &variables).is_err());
    }
}

#[test]
fn t1_has_a_positive_control() {
    let variables = Dict::new()
        .with("secret", "leaked")
        .with("plain", trusted("{{ secret }}"));
    assert_eq!(
        render("{{ plain }}", &variables).unwrap(),
        Value::from("leaked")
    );
}

#[test]
fn t2_a_prompted_password_stays_byte_for_byte() {
    for password in ["{{7*7}}", "a'b\"c\nd", "$ecret\\n"] {
        let variables = Dict::new().with("password", password);
        assert_eq!(
            render("{{ password }}", &variables).unwrap().as_str(),
            Some(password)
        );
        assert_eq!(
            render("x{{ password }}y", &variables).unwrap().to_text(),
            format!("x{password}y")
        );
    }
}

#[test]
fn t5_every_operation_carries_the_secret_mark() {
    let variables = Dict::new()
        .with("key", Value::text("hunter2").secret())
        .with(
            "box",
            Value::dict(Dict::new().with("inner", Value::text("hunter2").secret())),
        )
        .with("pin", Value::from(42).secret())
        .with("lazy", trusted("user:{{ key }}"))
        .with("open", "open");
    for text in [
        "{{ key }}",
        "a {{ key }}",
        "{{ key ~ 'x' }}",
        "{{ key + 'x' }}",
        "{{ 'x%s' % key }}",
        "{{ '{}'.format(key) }}",
        "{{ key.upper() }}",
        "{{ key | upper }}",
        "{{ key[0] }}",
        "{{ key[1:] }}",
        "{{ box.inner }}",
        "{{ [key] }}",
        "{{ [key] | join(',') }}",
        "{{ pin + 1 }}",
        "{{ -pin }}",
        "{{ key.split('t')[0] }}",
        "{{ lazy }}",
        "{{ lazy | length }}",
        "{{ ','.join([key]) }}",
        "{% for c in key %}{{ c }}{% endfor %}",
        "{% set x %}{{ key }}{% endset %}{{ x }}",
        "{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(key) }}",
        "{{ {'a': key} }}",
        "{{ key * 2 }}",
        "{{ open | default(key) if key else '' }}",
        "{{ missing | default(key) }}",
        "{{ box }}",
        "{{ box.values() | list }}",
        "{{ lookup('items', key) }}",
        "{{ 'inner' | extract(box) }}",
        "{{ ['inner'] | map('extract', box) | list }}",
        "{{ [box] | map(attribute='inner') | list }}",
        "{{ box | attr('inner') }}",
        "{{ [key] | map('upper') | list }}",
        "{{ ['x'] | map('replace', 'x', key) | list }}",
        "{{ [{}] | map(attribute='no', default=key) | list }}",
    ] {
        let value = render(text, &variables).unwrap();
        assert!(value.holds_secret(), "{text} gave {}", value.to_repr());
    }
    for text in [
        "{{ open }}",
        "{{ key == 'x' }}",
        "{{ 'h' in key }}",
        "{{ not key }}",
        "{{ 'plain' | extract({'plain': open, 'inner': key}) }}",
        "{{ ['plain'] | map('extract', {'plain': open, 'inner': key}) | list }}",
        "{{ [{'plain': open, 'inner': key}] | map(attribute='plain') | list }}",
        "{{ [[open, key]] | map('first') | list }}",
    ] {
        let value = render(text, &variables).unwrap();
        assert!(!value.holds_secret(), "{text}");
    }
    let text = Value::template("{{ open }}", Span::NONE).secret();
    let scope = Scope {
        variables: &variables,
        outside: None,
        sources: None,
    };
    assert!(Templar::new().render(&text, &scope).unwrap().is_secret());
}

#[test]
fn undefined_names_are_answered_with_the_nearest() {
    let variables = Dict::new()
        .with("package_name", "x")
        .with("service", Value::dict(Dict::new().with("enabled", true)));
    let found = fault(render("{{ pakage_name }}", &variables));
    assert!(found.undefined);
    assert_eq!(found.message, "'pakage_name' is undefined");
    assert_eq!(found.help.as_deref(), Some("did you mean `package_name`?"));
    let found = fault(render("{{ service.enabledd }}", &variables));
    assert_eq!(
        found.message,
        "object of type 'dict' has no attribute 'enabledd'"
    );
    assert_eq!(found.help.as_deref(), Some("did you mean `enabled`?"));
}

#[test]
fn errors_know_their_line_and_column() {
    let sources = SourceMap::default();
    let text = "a: plain\nb: \"x {{ word }} {{ wrod }}\"\nc: |\n  one\n  two {{ 1 / 0 }}\nd: '{{ 1 +* }}'\n";
    let file = sources.add("play.yml", text);
    let variables = Dict::new().with("word", "w");
    let scope = Scope {
        variables: &variables,
        outside: None,
        sources: Some(&sources),
    };
    let at =
        |text: &str, origin| match Templar::new().render(&Value::template(text, origin), &scope) {
            Err(TemplateError::Fault(fault)) => fault.span,
            Err(TemplateError::Syntax { span, .. }) => span,
            other => panic!("{other:?}"),
        };
    assert_eq!(
        at("x {{ word }} {{ wrod }}", Span::new(file, 2, 4, 0)),
        Span::new(file, 2, 21, 4)
    );
    assert_eq!(
        at("one\ntwo {{ 1 / 0 }}\n", Span::new(file, 3, 4, 0)),
        Span::new(file, 5, 10, 5)
    );
    assert_eq!(
        at("{{ 1 +* }}", Span::new(file, 6, 4, 0)),
        Span::new(file, 6, 11, 1)
    );
}

#[test]
fn without_sources_an_error_carries_its_offset() {
    let origin = Span::new(crate::diag::FileId(3), 7, 5, 0);
    let scope = Scope {
        variables: &Dict::new(),
        outside: None,
        sources: None,
    };
    let found = fault(Templar::new().render(&Value::template("ä {{ x }}", origin), &scope));
    assert_eq!(found.span, origin);
    assert_eq!(
        found.within.map(|within| (within.offset, within.length)),
        Some((5, 1))
    );
}

#[test]
fn an_error_in_a_variable_points_into_the_variable() {
    let origin = Span::new(crate::diag::FileId(1), 3, 8, 0);
    let variables = Dict::new().with("outer", Value::template("{{ 1 / 0 }}", origin));
    assert_eq!(fault(render("{{ outer }}", &variables)).span, origin);
}

/// Variables that count how often they are asked.
struct Counting(Cell<usize>, Dict);

impl Variables for Counting {
    fn find(&self, name: &str) -> Found {
        if name == "counted" {
            self.0.set(self.0.get() + 1);
        }
        self.1.find(name)
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.1.names()
    }
}

#[test]
fn a_variable_is_rendered_once_and_only_if_used() {
    let variables = Counting(
        Cell::new(0),
        Dict::new()
            .with("counted", "x")
            .with("lazy", trusted("{{ counted }}")),
    );
    assert_eq!(
        render(
            "{{ lazy }}{{ lazy }}{% if false %}{{ counted }}{% endif %}",
            &variables
        )
        .unwrap(),
        Value::from("xx")
    );
    assert_eq!(variables.0.get(), 1);
    let variables = Counting(
        Cell::new(0),
        Dict::new().with(
            "all",
            Value::dict(Dict::new().with("a", 1).with("b", trusted("{{ counted }}"))),
        ),
    );
    assert_eq!(render("{{ all.a }}", &variables).unwrap(), Value::from(1));
    assert_eq!(variables.0.get(), 0);
}

#[test]
fn what_touches_a_lookup_is_rendered_each_time() {
    let variables = Counting(
        Cell::new(0),
        Dict::new()
            .with("counted", "x")
            .with("lazy", trusted("{{ lookup('items', counted) }}")),
    );
    assert_eq!(
        render("{{ lazy }}{{ lazy }}", &variables).unwrap(),
        Value::from("xx")
    );
    assert_eq!(variables.0.get(), 2);
}

#[test]
fn templates_that_name_each_other_are_told_as_a_chain() {
    let variables = Dict::new()
        .with("a", trusted("{{ b }}"))
        .with("b", trusted("{{ c }}"))
        .with("c", trusted("{{ a }}"));
    assert_eq!(
        fault(render("{{ a }}", &variables)).message,
        "`a` refers to itself: a -> b -> c -> a"
    );
}

#[test]
fn what_nests_too_deep_is_an_error_and_no_crash() {
    for text in [
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned(),
        format!("{{{{ {}1{} }}}}", "(".repeat(2_000), ")".repeat(2_000)),
        format!("{{{{ {}1 }}}}", "1 + ".repeat(5_000)),
        format!("{{{{ {}x }}}}", "not ".repeat(3_000)),
        format!("{{{{ x{} }}}}", ".a".repeat(3_000)),
        format!(
            "{}{}",
            "{% if x %}".repeat(3_000),
            "{% endif %}".repeat(3_000)
        ),
        format!("{{% if x %}}{}{{% endif %}}", "{% elif x %}".repeat(5_000)),
    ] {
        assert!(render(&text, &Dict::new()).is_err());
    }
}

#[test]
fn what_nests_as_deep_as_it_may_is_rendered() {
    let (mut variables, one) = (Dict::new().with("v0", "x"), "1 + ".repeat(100));
    for index in 1..=38 {
        variables.insert(
            format!("v{index}"),
            trusted(&format!("{{{{ [v{}] | join('') }}}}", index - 1)),
        );
    }
    assert_eq!(render("{{ v38 }}", &variables).unwrap(), Value::from("x"));
    assert_eq!(
        render(&format!("{{{{ {one} 1 }}}}"), &variables).unwrap(),
        Value::from(101)
    );
    let text = "{% macro m(n) %}{% if n > 0 %}{% for i in [n] %}{{ m(i - 1) }}{% endfor %}{% endif %}x{% endmacro %}{{ m(15) }}";
    assert_eq!(
        render(text, &variables).unwrap(),
        Value::from("x".repeat(16))
    );
}

#[test]
fn huge_results_are_refused() {
    for text in [
        "{{ 'x' * 1000000000 }}",
        "{{ 10 ** 1000000000 }}",
        "{{ range(100000000000) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'a'.center(10 ** 12) }}",
    ] {
        assert!(render(text, &Dict::new()).is_err(), "{text}");
    }
}

#[test]
fn a_name_that_is_elsewhere_hands_the_step_back() {
    struct Away;
    impl Variables for Away {
        fn find(&self, _name: &str) -> Found {
            Found::Elsewhere
        }
        fn names(&self) -> Vec<Arc<str>> {
            Vec::new()
        }
    }
    assert!(matches!(
        render("{{ x | default(1) }}", &Away),
        Err(TemplateError::Elsewhere(_))
    ));
    assert!(matches!(
        render("{{ now() }}", &Dict::new()),
        Err(TemplateError::Elsewhere(_))
    ));
    assert!(matches!(
        render("{% include 'x' %}", &Dict::new()),
        Err(TemplateError::Elsewhere(_))
    ));
    assert_eq!(
        render("{{ range(2) | list | length }}", &Away).unwrap(),
        Value::from(2)
    );
}

#[test]
fn conditions_are_strict() {
    let variables = Dict::new()
        .with("yes", true)
        .with("word", "w")
        .with("expression", trusted("word == 'w'"));
    assert!(
        condition(
            &Value::list([trusted("yes"), trusted("word == 'w'")]),
            &variables
        )
        .unwrap()
    );
    assert!(
        !condition(
            &Value::list([trusted("not yes"), trusted("missing")]),
            &variables
        )
        .unwrap()
    );
    assert!(condition(&trusted("{{ expression }}"), &variables).unwrap());
    assert!(condition(&trusted("+1 == 1"), &variables).unwrap());
    let Err(error) = condition(&trusted("word"), &variables) else {
        panic!()
    };
    assert_eq!(
        error.to_string(),
        "the condition's result is of type `str`, and has to be a boolean"
    );
    let lenient = Templar::new().allowing_broken_conditionals(true);
    let scope = Scope {
        variables: &variables,
        outside: None,
        sources: None,
    };
    assert!(lenient.condition(&trusted("word"), &scope).unwrap());
    assert!(lenient.condition(&trusted(""), &scope).unwrap());
}

#[test]
fn containers_are_rendered_deep_and_keys_stay() {
    let variables = Dict::new().with("x", 1);
    let value = Value::list([
        trusted("{{ x }}"),
        Value::dict(Dict::new().with("{{ x }}", trusted("{{ x + 1 }}"))),
    ]);
    let scope = Scope {
        variables: &variables,
        outside: None,
        sources: None,
    };
    assert_eq!(
        Templar::new().render(&value, &scope).unwrap().to_repr(),
        "[1, {'{{ x }}': 2}]"
    );
}

#[test]
fn dates_have_their_methods() {
    use crate::value::Moment;
    let time = jiff::civil::date(2024, 3, 5).at(14, 7, 9, 0);
    let variables = Dict::new()
        .with("t", Moment::DateTime(time, None))
        .with("u", Moment::DateTime(time.date().at(0, 0, 0, 0), None));
    for (text, wanted) in [
        ("{{ t.year }}-{{ t.month }}", "2024-3"),
        (
            "{{ t.strftime('%Y-%m-%d %H:%M:%S %j %a %B %I%p') }}",
            "2024-03-05 14:07:09 065 Tue March 02PM",
        ),
        ("{{ t.isoformat() }}", "2024-03-05T14:07:09"),
        ("{{ (t - u).total_seconds() }}", "50829.0"),
        ("{{ (t - u).seconds }}", "50829"),
        ("{{ t - u }}", "14:07:09"),
        ("{{ t > u }}", "True"),
        ("{{ t.date() }}", "2024-03-05"),
        (
            "{{ t.weekday() }} {{ t.replace(year=2025) }}",
            "1 2025-03-05 14:07:09",
        ),
    ] {
        assert_eq!(
            render(text, &variables).unwrap().to_text(),
            wanted,
            "{text}"
        );
    }
}

#[test]
fn omitted_items_are_gone_and_an_omitted_value_is_told() {
    let variables = Dict::new().with("x", 1);
    assert!(
        render("{{ nope | default(omit) }}", &variables)
            .unwrap()
            .is_omit()
    );
    assert_eq!(
        render("{{ [x, omit, {'a': omit, 'b': x}] }}", &variables)
            .unwrap()
            .to_repr(),
        "[1, {'b': 1}]"
    );
    assert_eq!(render("a{{ omit }}", &variables).unwrap(), Value::from("a"));
    assert_eq!(
        render(
            "{{ omit == omit and omit is defined and x != omit }}",
            &variables
        )
        .unwrap(),
        Value::from(true)
    );
    assert_eq!(render("{{ +x }}", &variables).unwrap(), Value::from(1));
}

#[test]
fn a_file_keeps_its_settings_from_the_header() {
    let scope = Scope {
        variables: &Dict::new().with("x", 1),
        outside: None,
        sources: None,
    };
    let text = "#jinja2: variable_start_string: '<<', variable_end_string: '>>', newline_sequence: '\\r\\n'\n<< x >> {{ x }}\nend\n";
    let value = Templar::new()
        .render_file(text, Span::NONE, &FileSettings::default(), &scope)
        .unwrap();
    assert_eq!(value.as_str(), Some("1 {{ x }}\r\nend\n"));
}

#[test]
fn a_simple_variable_is_fast() {
    let variables = Dict::new().with("word", "hello");
    let scope = Scope {
        variables: &variables,
        outside: None,
        sources: None,
    };
    let (templar, value) = (Templar::new(), trusted("{{ word }}"));
    let start = std::time::Instant::now();
    for _ in 0..10_000 {
        templar.render(&value, &scope).unwrap();
    }
    // Unoptimised and beside other work: only to catch what is slower by orders of magnitude.
    assert!(start.elapsed().as_millis() < 2_000, "{:?}", start.elapsed());
}

#[test]
fn an_item_can_be_named_by_its_number() {
    let variables = Dict::new().with("items_", vec!["a", "b"]);
    let text = |text: &str| render(text, &variables).map(|value| value.to_text());
    assert_eq!(text("{{ items_.1 }}{{ items_.0 }}").unwrap(), "ba");
    let lacks = fault(render("{{ items_.7 }}", &variables)).message;
    assert_eq!(lacks, "object of type 'list' has no attribute 7");
    let lacks = fault(render("{{ [][0] }}", &variables)).message;
    assert_eq!(lacks, "list object has no element 0");
}

#[test]
fn a_range_is_a_list_that_cannot_leave_a_template() {
    let variables = Dict::new().with("r", trusted("{{ range(3) }}"));
    let text = "{{ r | list }} {{ r | type_debug }} {{ r[1] }}";
    let rendered = render(text, &variables).unwrap();
    assert_eq!(rendered.to_text(), "[0, 1, 2] range 1");
    for text in ["{{ r }}", "{{ [range(2)] }}"] {
        let why = fault(render(text, &variables));
        assert!(!why.undefined && why.message.contains("'range'"), "{why:?}");
    }
}

#[test]
fn t5_what_stands_beside_a_secret_is_none() {
    let variables = Dict::new().with(
        "all",
        Value::dict(
            Dict::new()
                .with("password", Value::text("hunter2").secret())
                .with("user", "admin"),
        ),
    );
    let rendered = render("{{ all | default('') }}", &variables).unwrap();
    assert!(rendered.get("password").unwrap().is_secret());
    assert!(!rendered.is_secret() && !rendered.get("user").unwrap().is_secret());
    let judged = render("{{ all.password is defined }}", &variables).unwrap();
    assert!(!judged.is_secret());
    for text in [
        "{{ all.password | list }}",
        "{{ all | to_json }}",
        "{{ all.password | default('x') }}",
    ] {
        assert!(render(text, &variables).unwrap().is_secret(), "{text}");
    }
}

#[test]
fn tags_tell_what_is_known_of_a_value() {
    let variables = Dict::new()
        .with("written", trusted("plain"))
        .with("found", "plain");
    let holds = |text: &str| condition(&trusted(text), &variables);
    assert!(holds("written is ansible._protomatter.tagged_with('TrustedAsTemplate')").unwrap());
    assert!(holds("found is not ansible._protomatter.tagged_with('TrustedAsTemplate')").unwrap());
    assert!(holds("found is ansible._protomatter.tagged_with('Nothing')").is_err());
    assert!(holds("(1, [2]) | ansible._protomatter.finalize == [1, [2]]").unwrap());
}

#[test]
fn what_groupby_makes_has_names_and_is_a_pair() {
    let item = |on: bool| Value::dict(Dict::new().with("on", on));
    let variables = Dict::new().with("items", Value::list([item(true), item(false)]));
    let shown = |text: &str| render(text, &variables).unwrap().to_text();
    assert_eq!(
        shown("{{ items | groupby('on') | map('attr', 'grouper') | list }}"),
        "[False, True]"
    );
    assert_eq!(
        shown("{{ (items | groupby('on'))[0].list }}"),
        "[{'on': False}]"
    );
    assert_eq!(
        shown(
            "{% for name, of in items | groupby('on') %}{{ name }}={{ of | length }} {% endfor %}"
        ),
        "False=1 True=1 "
    );
}
