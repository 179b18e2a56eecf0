//! `community.general.ufw`: Ubuntu's and Debian's firewall.
//!
//! A rule that stands word for word in ufw's files is there (`tuple`). Of any other ufw itself tells what it would make of its
//! rules (`--dry-run`), and `rules` compares that with what is there.

mod rules;
#[cfg(test)]
mod tests;
mod tuple;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support,
};
use crate::value::{Dict, Value};

/// Declares an argument with few choices, whose words go to ufw as they are.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
        enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

/// What the firewall shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Running, and at each start.
    Enabled,
    /// Not running.
    Disabled,
    /// Its rules are loaded again.
    Reloaded,
    /// As it was installed.
    Reset,
}

choice! {
    /// What happens to traffic that no rule names.
    Policy {
        /// It passes.
        Allow = "allow",
        /// It is dropped.
        Deny = "deny",
        /// It is refused with an answer.
        Reject = "reject",
    }
}

choice! {
    /// What a rule does.
    Action {
        /// Lets pass.
        Allow = "allow",
        /// Drops.
        Deny = "deny",
        /// Lets pass unless too many connections come from one address.
        Limit = "limit",
        /// Refuses with an answer.
        Reject = "reject",
    }
}

choice! {
    /// How much is logged.
    Level {
        /// All.
        Full = "full",
        /// Much.
        High = "high",
        /// Little.
        Low = "low",
        /// More.
        Medium = "medium",
        /// Nothing.
        Off = "off",
        /// Something.
        On = "on",
    }
}

choice! {
    /// Which way traffic goes.
    Direction {
        /// Into the host, for rules.
        In = "in",
        /// Into the host, for the default.
        Incoming = "incoming",
        /// Out of the host, for rules.
        Out = "out",
        /// Out of the host, for the default.
        Outgoing = "outgoing",
        /// Through the host, for the default.
        Routed = "routed",
    }
}

choice! {
    /// A protocol.
    Protocol {
        /// Authentication headers.
        Ah = "ah",
        /// Any.
        Any = "any",
        /// Encapsulated payload.
        Esp = "esp",
        /// IPv6 in IPv4.
        Ipv6 = "ipv6",
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// Generic routing encapsulation.
        Gre = "gre",
        /// Groups of receivers.
        Igmp = "igmp",
        /// Virtual routers.
        Vrrp = "vrrp",
    }
}

/// What `insert` counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Relative {
    /// The first rule is 1.
    Zero,
    /// The first rule for IPv4 is 0.
    FirstIpv4,
    /// The last rule for IPv4 is 0.
    LastIpv4,
    /// The first rule for IPv6 is 0.
    FirstIpv6,
    /// The last rule for IPv6 is 0.
    LastIpv6,
}

/// Control the firewall ufw
///
/// One task sets the state, the default, one rule, or the logging; several of these are done in this order.
///
/// ## Check mode
///
/// Tells what would change, by ufw's files and its own dry run.
///
/// ## Returns
///
/// - `commands`: the commands that ran.
/// - `msg`: what `ufw status verbose` says afterwards.
///
/// ## Examples
///
/// ```yaml
/// - community.general.ufw:
///     rule: allow
///     name: OpenSSH
/// - community.general.ufw:
///     rule: allow
///     interface_in: tailscale0
///     port: '6443'
///     proto: tcp
/// - community.general.ufw:
///     state: enabled
///     policy: deny
/// ```
///
/// ## Differs from Ansible
///
/// What is there already is recognised by ufw's files and by a dry run, and then no command runs for real; `commands` says so. A
/// default is compared while the firewall is off too.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UfwArgs {
    /// What the firewall shall be.
    #[serde(default)]
    state: Option<State>,
    /// What happens to traffic that no rule names.
    #[serde(default, alias = "policy")]
    default: Option<Policy>,
    /// How much is logged.
    #[serde(default)]
    logging: Option<Level>,
    /// Which way: `in` and `out` for rules; `incoming`, `outgoing`, `routed` for the default.
    #[serde(default)]
    direction: Option<Direction>,
    /// Remove the rule.
    #[serde(default)]
    delete: bool,
    /// The rule is for traffic that passes through.
    #[serde(default)]
    route: bool,
    /// Where in the list the rule goes.
    #[serde(default)]
    insert: Option<i64>,
    /// What that counts from.
    #[serde(default = "zero")]
    insert_relative_to: Relative,
    /// What the rule does.
    #[serde(default)]
    rule: Option<Action>,
    /// The interface, in the given `direction`.
    #[serde(default, alias = "if")]
    interface: Option<String>,
    /// The interface that traffic comes in by.
    #[serde(default, alias = "if_in")]
    interface_in: Option<String>,
    /// The interface that traffic goes out by.
    #[serde(default, alias = "if_out")]
    interface_out: Option<String>,
    /// Log new connections that match.
    #[serde(default)]
    log: bool,
    /// Where it comes from: an address, a network, or `any`.
    #[serde(default = "any", alias = "from", alias = "src")]
    from_ip: String,
    /// The port it comes from.
    #[serde(default)]
    from_port: Option<String>,
    /// Where it goes to: an address, a network, or `any`.
    #[serde(default = "any", alias = "dest", alias = "to")]
    to_ip: String,
    /// The port it goes to: a number, a name, a range, or several with commas.
    #[serde(default, alias = "port")]
    to_port: Option<String>,
    /// The protocol.
    #[serde(default, alias = "protocol")]
    proto: Option<Protocol>,
    /// A profile of `/etc/ufw/applications.d`.
    #[serde(default, alias = "app")]
    name: Option<String>,
    /// A comment on the rule.
    #[serde(default)]
    comment: Option<String>,
}

fn zero() -> Relative {
    Relative::Zero
}

fn any() -> String {
    "any".to_owned()
}

/// The commands that are to run.
#[derive(Clone, Debug, Default)]
pub(in crate::modules) struct Change {
    steps: Vec<Words>,
    /// Those that planning ran.
    ran: Vec<String>,
}

/// The words of a command behind `ufw`, and how it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words {
    words: Vec<String>,
    shown: String,
}

impl Words {
    fn new(words: &[&str]) -> Self {
        Self {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            shown: words.join(" "),
        }
    }
}

/// Runs ufw and remembers what ran.
struct Runner<'a> {
    host: &'a dyn Host,
    program: String,
    ran: Vec<String>,
}

impl<'a> Runner<'a> {
    fn new(host: &'a dyn Host, ran: Vec<String>) -> Result<Self, Failure> {
        let program = host.find_program("ufw").ok_or_else(|| {
            Failure::new(
                "Failed to find required executable \"ufw\": it is not installed on this host",
            )
        })?;
        Ok(Self { host, program, ran })
    }

    fn run(&mut self, words: &Words) -> Result<String, Failure> {
        self.ran.push(format!("{} {}", self.program, words.shown));
        let argv = std::iter::once(self.program.clone()).chain(words.words.iter().cloned());
        let output = self.host.run(&Command::new(argv).in_c_locale())?;
        if output.success() {
            return Ok(output.stdout_text());
        }
        let error = output.stderr_text();
        let message = if error.is_empty() {
            output.stdout_text()
        } else {
            error
        };
        Err(Failure::new(message).with("commands", self.ran.clone()))
    }
}

pub(super) struct Ufw;

impl Module for Ufw {
    type Args = UfwArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "community.general.ufw",
        aliases: &["ansible.builtin.ufw"],
        family: "net",
        since: "0.1.0",
        effect: Effect::Shows,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let asked = [
            args.state.is_some(),
            args.default.is_some(),
            args.rule.is_some(),
            args.logging.is_some(),
        ];
        if !asked.contains(&true) {
            return Err(ArgumentError::general(
                "one of the following is required: state, default, rule, logging",
            ));
        }
        let three = [
            args.name.is_some(),
            args.proto.is_some(),
            args.logging.is_some(),
        ];
        if three.iter().filter(|given| **given).count() > 1 {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: name|proto|logging",
            ));
        }
        for (other, given) in [
            ("interface_in", args.interface_in.is_some()),
            ("interface_out", args.interface_out.is_some()),
        ] {
            if given && args.direction.is_some() {
                return Err(ArgumentError::general(format!(
                    "parameters are mutually exclusive: direction|{other}"
                )));
            }
        }
        if args.interface.is_some() && args.direction.is_none() {
            return Err(ArgumentError::general(
                "missing parameter(s) required by 'interface': direction",
            ));
        }
        let for_rules = matches!(args.direction, None | Some(Direction::In | Direction::Out));
        if args.rule.is_some() && !for_rules {
            return Err(ArgumentError::new(
                "direction",
                "For rules, direction must be one of \"in\" and \"out\", or direction must not be specified.",
            ));
        }
        if args.default.is_some() && matches!(args.direction, Some(Direction::In | Direction::Out))
        {
            return Err(ArgumentError::new(
                "direction",
                "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", or direction must not be specified.",
            ));
        }
        if args.rule.is_some()
            && !args.route
            && args.interface_in.is_some()
            && args.interface_out.is_some()
        {
            return Err(ArgumentError::general(
                "Only route rules can combine interface_in and interface_out",
            ));
        }
        // ufw takes no `--`, so nothing that a user gives may read as an option.
        let texts = [
            ("interface", &args.interface),
            ("interface_in", &args.interface_in),
            ("interface_out", &args.interface_out),
            ("from_port", &args.from_port),
            ("to_port", &args.to_port),
            ("name", &args.name),
            ("comment", &args.comment),
            ("from_ip", &Some(args.from_ip.clone())),
            ("to_ip", &Some(args.to_ip.clone())),
        ];
        for (name, text) in texts {
            if text.as_deref().is_some_and(|text| text.starts_with('-')) {
                return Err(ArgumentError::new(name, "must not begin with `-`"));
            }
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let mut runner = Runner::new(host, Vec::new())?;
        // Python starts for each command: what nobody looks at is not asked.
        let status = if args.state.is_some() || host.result_is_seen() {
            runner.run(&Words::new(&["status", "verbose"]))?
        } else {
            String::new()
        };
        let mut steps = Vec::new();
        if let Some(state) = args.state {
            let active = status.contains("Status: active");
            steps.extend(
                match state {
                    State::Enabled if !active => Some("enable"),
                    State::Disabled if active => Some("disable"),
                    State::Reloaded => Some("reload"),
                    State::Reset => Some("reset"),
                    State::Enabled | State::Disabled => None,
                }
                .map(|word| Words::new(&["-f", word])),
            );
        }
        if let Some(policy) = args.default
            && !rules::has_default(
                policy.word(),
                args.direction.map_or("incoming", Direction::word),
                host,
            )?
        {
            let mut words = vec!["default", policy.word()];
            words.extend(args.direction.map(Direction::word));
            steps.push(Words::new(&words));
        }
        if let Some(action) = args.rule
            && !tuple::stands(args, action.word(), host)?
        {
            let words = rules::words(args, action.word(), host, &runner.program)?;
            if rules::would_change(args, &words, &mut runner)? {
                steps.push(words);
            }
        }
        if let Some(level) = args.logging
            && !rules::logs(level.word(), host)?
        {
            steps.push(Words::new(&["logging", level.word()]));
        }
        let values = Dict::new().with("commands", Value::from(runner.ran.clone()));
        Ok(if steps.is_empty() {
            Plan::unchanged("the firewall is as it shall be")
                .with_all(values)
                .with("msg", status.trim_end())
        } else {
            Plan::change(Change {
                steps,
                ran: runner.ran,
            })
            .with_all(values)
        })
    }

    fn apply(_: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let mut runner = Runner::new(host, change.ran)?;
        for (number, words) in change.steps.iter().enumerate() {
            runner.run(words).map_err(|failure| {
                if number > 0 {
                    failure.after_change()
                } else {
                    failure
                }
            })?;
        }
        let outcome = if host.result_is_seen() {
            let status = runner.run(&Words::new(&["status", "verbose"]))?;
            Outcome::changed().with("msg", status.trim_end())
        } else {
            Outcome::changed()
        };
        Ok(outcome.with("commands", runner.ran).into())
    }
}
