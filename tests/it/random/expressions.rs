//! Random expressions and variables of a few names, so that plays set and use the same ones over and over.
//!
//! `n0`.. are numbers, `l0`.. lists of short texts, `t0`.. texts, `r0`.. registers. A lazy variable names only variables of a lower
//! number, so that none refers to itself.

use serde_json::{Map, Value, json};

use super::dice::Dice;

pub(super) const NUMBERS: [&str; 3] = ["n0", "n1", "n2"];
pub(super) const LISTS: [&str; 2] = ["l0", "l1"];
pub(super) const TEXTS: [&str; 3] = ["t0", "t1", "t2"];
pub(super) const REGISTERS: [&str; 4] = ["r0", "r1", "r2", "r3"];
const HOSTS: [&str; 3] = ["h1", "h2", "h3"];

/// Where an expression stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Names of this number and above may not be used.
    pub(super) below: usize,
    /// A loop's item is there.
    pub(super) item: bool,
}

pub(super) const ANYWHERE: Place = Place {
    below: 9,
    item: false,
};

fn name<'a>(dice: &mut Dice, names: &[&'a str], place: Place) -> Option<&'a str> {
    let count = names.len().min(place.below);
    (count > 0).then(|| dice.pick(&names[..count]))
}

pub(super) fn number(dice: &mut Dice, place: Place) -> String {
    let literal = dice.below(6).to_string();
    let named = |dice: &mut Dice, names: &[&str], make: &dyn Fn(&str) -> String| {
        name(dice, names, place).map_or(literal.clone(), make)
    };
    match dice.below(16) {
        0..=2 => literal,
        3..=6 => named(dice, &NUMBERS, &str::to_owned),
        7..=8 => named(dice, &NUMBERS, &|name| format!("({name} | default(3) + 1)")),
        9 => named(dice, &LISTS, &|name| {
            format!("({name} | default([]) | length)")
        }),
        10 => named(dice, &TEXTS, &|name| {
            format!("({name} | default('abc') | length)")
        }),
        11..=12 if place.below > 8 => {
            let register = dice.pick(&REGISTERS);
            let which = dice.pick(&["rc", "attempts", "changed", "failed", "skipped"]);
            format!("({register}.{which} | default(7) | int)")
        }
        13 => {
            let host = dice.pick(&HOSTS);
            named(dice, &NUMBERS, &|name| {
                format!("(hostvars['{host}']['{name}'] | default(5) | int)")
            })
        }
        14 => "(ansible_play_hosts | length)".to_owned(),
        15 => "(ansible_facts.user_id | default('none') | length)".to_owned(),
        _ if place.item => "(item | string | length)".to_owned(),
        _ => "(inventory_hostname[1:] | int)".to_owned(),
    }
}

pub(super) fn condition(dice: &mut Dice, place: Place) -> String {
    let register = dice.pick(&REGISTERS);
    match dice.below(12) {
        0..=3 => format!("{} % 2 == {}", number(dice, place), dice.below(2)),
        4..=5 => format!("{} > {}", number(dice, place), number(dice, place)),
        6 => format!(
            "{register} is defined and {register} is {}",
            dice.pick(&["changed", "failed", "skipped", "success"])
        ),
        7 => format!(
            "{register} is {}",
            dice.pick(&["defined", "undefined", "changed"])
        ),
        8 => format!("inventory_hostname == '{}'", dice.pick(&HOSTS)),
        9 => format!("{} is defined", dice.pick(&TEXTS)),
        10 => format!("{} != 'x'", text(dice, place)),
        _ => dice.pick(&["true", "false"]).to_owned(),
    }
}

/// An expression that gives a text.
fn text(dice: &mut Dice, place: Place) -> String {
    let named = name(dice, &TEXTS, place);
    match (dice.below(5), named) {
        (0, Some(name)) => name.to_owned(),
        (1 | 2, Some(name)) => format!("({name} | default('none'))"),
        (3, _) => "inventory_hostname".to_owned(),
        _ if place.item => "(item | string)".to_owned(),
        _ => format!("'{}'", dice.pick(&["x", "y", "a b", "é"])),
    }
}

/// A text with templates in it.
pub(super) fn phrase(dice: &mut Dice, place: Place) -> String {
    match dice.below(4) {
        0 => dice.pick(&["plain", "two words", "", "x"]).to_owned(),
        1 => format!("{{{{ {} }}}}", text(dice, place)),
        2 => format!(
            "a {{{{ {} }}}} b {{{{ {} }}}}",
            number(dice, place),
            text(dice, place)
        ),
        // A condition may name any variable.
        _ if place.below < ANYWHERE.below => format!("c {{{{ {} }}}}", number(dice, place)),
        _ => format!(
            "{{% if {} %}}yes{{% else %}}{{{{ {} }}}}{{% endif %}}",
            condition(dice, place),
            text(dice, place)
        ),
    }
}

pub(super) fn list(dice: &mut Dice, place: Place) -> Value {
    match dice.below(4) {
        0 => json!(["a", "b"]),
        1 => json!(["x", format!("{{{{ {} }}}}", text(dice, place))]),
        2 => match name(dice, &LISTS, place) {
            Some(name) => format!("{{{{ {name} | default(['d']) }}}}").into(),
            None => json!([]),
        },
        _ => format!("{{{{ range({} | int % 4) | list }}}}", number(dice, place)).into(),
    }
}

/// A few variables. Lazy ones stay below their own number.
pub(super) fn variables(dice: &mut Dice, most: u64) -> Map<String, Value> {
    let mut variables = Map::new();
    for _ in 0..dice.below(most + 1) {
        let (name, value) = variable(dice, None);
        variables.insert(name, value);
    }
    variables
}

/// A variable and its value: a lazy one by its own number, or one that may use all names because it is rendered at once.
pub(super) fn variable(dice: &mut Dice, at: Option<Place>) -> (String, Value) {
    let number_of = |name: &str| name[1..].parse::<usize>().unwrap();
    let place = |name: &str| {
        at.unwrap_or(Place {
            below: number_of(name),
            item: false,
        })
    };
    match dice.below(3) {
        0 => {
            let name = dice.pick(&NUMBERS);
            let value = if dice.percent(50) {
                dice.below(9).into()
            } else {
                format!("{{{{ {} }}}}", number(dice, place(name))).into()
            };
            (name.to_owned(), value)
        }
        1 => {
            let name = dice.pick(&LISTS);
            (name.to_owned(), list(dice, place(name)))
        }
        _ => {
            let name = dice.pick(&TEXTS);
            (name.to_owned(), phrase(dice, place(name)).into())
        }
    }
}
