//! The plugin `constructed` over small inventories. What is expected is what ansible-core 2.19 gave for the same files.

use crate::diag::SourceMap;
use crate::inventory::{Inventory, Loaded, SourceOptions, load};
use crate::secrets::VaultSecrets;
use crate::value::Dict;
use crate::varfile::Reader;
use crate::yaml::DuplicateKeys;

const HOSTS: &str = "[web]\na env=prod tags='[\"x\",\"\"]' port=1\nb env='' dict='{\"k\":\"v\",\"e\":\"\"}' zero=0\n[web:vars]\nlevel=group\n[all:vars]\neverywhere=1\n";

fn constructed(
    options: &str,
    change: impl FnOnce(&mut SourceOptions),
) -> Result<Loaded, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(path("group_vars")).unwrap();
    std::fs::write(path("group_vars/web.yml"), "from_file: yes_it_is\n").unwrap();
    std::fs::write(path("1-hosts"), HOSTS).unwrap();
    std::fs::write(
        path("2-made.yml"),
        format!("plugin: constructed\n{options}"),
    )
    .unwrap();
    let (sources, vault) = (SourceMap::default(), VaultSecrets::default());
    let reader = Reader {
        sources: &sources,
        vault: &vault,
        duplicates: DuplicateKeys::Warn,
    };
    let mut source_options = SourceOptions {
        any_unparsed_fails: true,
        ..SourceOptions::default()
    };
    change(&mut source_options);
    let folder = folder.path().display().to_string();
    load(&[folder], &reader, &source_options)
        .map_err(|errors| errors.into_iter().map(|error| error.headline).collect())
}

fn loaded(options: &str) -> Inventory {
    constructed(options, |_| ()).unwrap().inventory
}

fn error(options: &str) -> String {
    constructed(options, |_| ()).unwrap_err().remove(0)
}

fn groups(inventory: &Inventory, host: &str) -> String {
    inventory
        .group_names(inventory.host(host).unwrap())
        .join(" ")
}

fn variable(inventory: &Inventory, host: &str, name: &str) -> Option<String> {
    let data = inventory.host_data(inventory.host(host).unwrap()).unwrap();
    data.vars.get(name).map(crate::value::Value::to_text)
}

#[test]
fn compose_sets_variables_and_passes_over_what_fails() {
    let made = loaded(
        "compose:\n  x: env ~ '-' ~ level\n  y: nowhere.z\n  n: 5\n  seen: x\n  m: inventory_hostname ~ group_names | join\n",
    );
    assert_eq!(variable(&made, "a", "x").unwrap(), "prod-group");
    assert_eq!(variable(&made, "b", "x").unwrap(), "-group");
    assert_eq!(variable(&made, "a", "m").unwrap(), "aweb");
    for absent in ["y", "n", "seen"] {
        assert_eq!(variable(&made, "a", absent), None, "{absent}");
    }
    assert!(
        error("strict: true\ncompose: {y: nowhere.z}\n").starts_with("cannot set `y` for host `a`")
    );
}

#[test]
fn groups_take_whom_their_condition_holds_for() {
    let made = loaded(
        "compose: {made: env == 'prod'}\ngroups:\n  pro-d: env == 'prod'\n  2nd: made\n  none: nowhere\n  never: false\n",
    );
    assert_eq!(groups(&made, "a"), "_nd pro_d web");
    assert_eq!(groups(&made, "b"), "web");
    assert!(made.group("never").is_none() && made.group("none").is_none());
    assert!(
        error("strict: yes\ngroups: {g: nowhere}\n").contains("whether host `a` is in group `g`")
    );
}

#[test]
fn keyed_groups_follow_values() {
    let made = loaded(
        "keyed_groups:\n  - {key: env}\n  - {key: tags, prefix: t, default_value: none}\n  - {key: dict, prefix: d, trailing_separator: false}\n  - {key: env, prefix: e, separator: '', parent_group: 'all_{{ level }}', default_value: unset}\n",
    );
    assert_eq!(groups(&made, "a"), "_prod all_group eprod t_none t_x web");
    assert_eq!(groups(&made, "b"), "all_group d_e d_k_v eunset web");
    let bare = loaded("leading_separator: false\nkeyed_groups: [{key: env}, {key: dict}]\n");
    assert_eq!(
        (groups(&bare, "a"), groups(&bare, "b")),
        ("prod web".to_owned(), "e_ k_v web".to_owned())
    );
}

#[test]
fn keyed_groups_refuse_what_is_no_name() {
    assert!(error("keyed_groups: [{key: port}]\n").contains("of type `int`"));
    assert!(error("strict: true\nkeyed_groups: [{key: env}]\n").contains("empty for host `b`"));
    assert!(
        error("keyed_groups: [{key: env, default_value: a, trailing_separator: true}]\n")
            .contains("exclude each other")
    );
    assert!(error("keyed_groups: [x]\n").contains("is a mapping with `key`"));
    assert!(error("keyed_groups: x\n").contains("is a list of mappings"));
    assert!(error("compose: [x]\n").contains("`compose` is a mapping"));
    assert!(error("strict: perhaps\n").contains("`strict` is `true` or `false`"));
}

#[test]
fn files_beside_count_when_they_are_asked_for() {
    let text = "compose: {f: from_file, e: everywhere}\n";
    assert_eq!(variable(&loaded(text), "a", "f"), None);
    // `all` is implicit until every source is read.
    assert_eq!(variable(&loaded(text), "a", "e"), None);
    let with_files = loaded(&format!("use_vars_plugins: true\n{text}"));
    assert_eq!(variable(&with_files, "a", "f").unwrap(), "yes_it_is");
}

#[test]
fn variables_of_the_command_line_count_when_they_are_asked_for() {
    let extra = |options: &mut SourceOptions| options.extra = Dict::new().with("env", "cli");
    let text = "compose: {e: env}\n";
    let plain = constructed(text, extra).unwrap().inventory;
    assert_eq!(variable(&plain, "a", "e").unwrap(), "prod");
    let over = constructed(&format!("use_extra_vars: true\n{text}"), extra)
        .unwrap()
        .inventory;
    assert_eq!(variable(&over, "a", "e").unwrap(), "cli");
}

#[test]
fn an_option_that_nobody_knows_is_a_warning() {
    let loaded = constructed("compsoe: {}\n", |_| ()).unwrap();
    let said: Vec<_> = loaded
        .warnings
        .iter()
        .map(|warning| warning.headline.as_str())
        .collect();
    assert_eq!(said, ["`compsoe` is no option of this plugin"]);
}
