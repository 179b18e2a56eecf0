//! How far a run may depart from Ansible's strict order: all the way, unless a test or whoever hunts a difference says otherwise.
//!
//! `cli` reads it from `KPLAY_ORDER` (docs/testing.md); the dispatcher and its flights keep to it.

/// What may go out ahead of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Nothing: all hosts end a step before any begins the next, and the controller evaluates it.
    Strict,
    /// A host waits only where it could notice another; each step travels alone.
    Ahead,
    /// Steps that need not wait travel together.
    #[default]
    Batched,
}

/// The order that a run keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// What may go out ahead.
    pub pace: Pace,
    /// Inventory hosts with `connection: local` count as machines of their own, which they are not: a test that keeps them from
    /// each other's files tells hosts apart without having any.
    pub apart: bool,
}

impl Order {
    /// Reads words with commas between them: `strict`, `ahead` or `batched`, and `apart`.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut order = Self::default();
        for word in text.split(',').map(str::trim) {
            match word {
                "" => {}
                "strict" => order.pace = Pace::Strict,
                "ahead" => order.pace = Pace::Ahead,
                "batched" => order.pace = Pace::Batched,
                "apart" => order.apart = true,
                _ => {
                    return Err(format!(
                        "`KPLAY_ORDER` knows `strict`, `ahead`, `batched` and `apart`, not `{word}`"
                    ));
                }
            }
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_others_named() {
        assert_eq!(Order::read(""), Ok(Order::default()));
        let strict = Order {
            pace: Pace::Strict,
            apart: true,
        };
        assert_eq!(Order::read("strict,apart"), Ok(strict));
        assert!(Order::read("linear").unwrap_err().contains("`linear`"));
    }
}
