//! `ansible.builtin.ping`: shows that a host can be worked on.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{Applied, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support};

/// Test the way to a host
///
/// It succeeds if kplay can log in and work there. It is no ICMP echo.
///
/// ## Check mode
///
/// The same.
///
/// ## Returns
///
/// - `ping`: the text of `data`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.ping:
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PingArgs {
    /// What to answer. `crash` fails, as a test of failures.
    #[serde(default = "pong")]
    data: String,
}

fn pong() -> String {
    "pong".to_owned()
}

pub(super) struct Ping;

impl Module for Ping {
    type Args = PingArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.ping",
        aliases: &[],
        family: "commands",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn plan(args: &Self::Args, _: &dyn Host) -> Result<Plan<()>, Failure> {
        if args.data == "crash" {
            return Err(Failure::new("boom"));
        }
        Ok(Plan::unchanged("the host answers").with("ping", args.data.as_str()))
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, failure};
    use crate::value::{Dict, Value};

    #[test]
    fn answers_with_the_data() {
        let outcome = assert_unchanged::<Ping>(&Dict::new().into(), &FakeHost::new());
        assert_eq!(outcome.values, Dict::new().with("ping", "pong"));
        let outcome =
            assert_unchanged::<Ping>(&Dict::new().with("data", 5).into(), &FakeHost::new());
        assert_eq!(outcome.values.get("ping"), Some(&Value::from("5")));
        assert_eq!(
            failure::<Ping>(&Dict::new().with("data", "crash").into(), &FakeHost::new()),
            "boom"
        );
    }
}
