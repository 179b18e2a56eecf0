//! `random` and `shuffle`: with a seed as Python's Mersenne Twister gives it, else from the system.

use num_bigint::BigInt;
use sha2::{Digest, Sha512};

use super::bind::bind;
use super::python::{integer, iterate};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Kind, Value};

const SIZE: usize = 624;
const SHIFT: usize = 397;

/// Where random numbers come from.
pub(crate) enum Source {
    /// The system.
    System,
    /// A seed.
    Seeded(Box<Twister>),
}

/// Python's `random.Random` as far as it is needed.
pub(crate) struct Twister {
    state: Vec<u32>,
    next: usize,
}

impl Source {
    /// Returns the source for a seed as Python takes it (text or number).
    pub(crate) fn new(seed: Option<&Value>) -> Result<Self, TemplateError> {
        let Some(seed) = seed.filter(|seed| !seed.is_null()) else {
            return Ok(Self::System);
        };
        let mut bytes = match seed.kind() {
            Kind::Str(text) => {
                let mut bytes = text.as_bytes().to_vec();
                bytes.extend(Sha512::digest(text.as_bytes()));
                bytes.reverse();
                bytes
            }
            Kind::Int(number) => number.unsigned_abs().to_le_bytes().to_vec(),
            Kind::Bool(flag) => vec![u8::from(*flag)],
            Kind::Big(number) => BigInt::clone(number).to_bytes_le().1,
            _ => {
                return Err(TemplateError::new(format!(
                    "a seed is text or an integer, not {}",
                    seed.type_name()
                )));
            }
        };
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        let words: Vec<u32> = bytes
            .chunks(4)
            .map(|chunk| {
                chunk
                    .iter()
                    .rev()
                    .fold(0, |word, byte| word << 8 | u32::from(*byte))
            })
            .collect();
        Ok(Self::Seeded(Box::new(Twister::new(if words.is_empty() {
            &[0]
        } else {
            &words
        }))))
    }

    /// Returns a number below `limit` (above 0), all as likely.
    pub(crate) fn below(&mut self, limit: usize) -> Result<usize, TemplateError> {
        match self {
            Self::System => secure_below(limit),
            Self::Seeded(twister) => {
                let bits = usize::BITS - limit.leading_zeros();
                loop {
                    let number = twister.bits(bits);
                    if number < limit {
                        return Ok(number);
                    }
                }
            }
        }
    }
}

/// Returns a number below `limit` from the system's generator.
pub(crate) fn secure_below(limit: usize) -> Result<usize, TemplateError> {
    let bits = usize::BITS - limit.leading_zeros();
    let mask = usize::MAX.checked_shr(usize::BITS - bits).unwrap_or(0);
    loop {
        let mut bytes = [0u8; size_of::<usize>()];
        fill(&mut bytes)?;
        let number = usize::from_le_bytes(bytes) & mask;
        if number < limit {
            return Ok(number);
        }
    }
}

/// Fills the buffer from the system's generator.
pub(crate) fn fill(buffer: &mut [u8]) -> Result<(), TemplateError> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        done += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()).map_err(
            |error| TemplateError::new(format!("the system gives no random numbers: {error}")),
        )?;
    }
    Ok(())
}

impl Twister {
    fn new(key: &[u32]) -> Self {
        let mut state: Vec<u32> = Vec::with_capacity(SIZE);
        let mut last = 19_650_218u32;
        state.push(last);
        for index in (1u32..).take(SIZE - 1) {
            last = 1_812_433_253u32
                .wrapping_mul(last ^ (last >> 30))
                .wrapping_add(index);
            state.push(last);
        }
        let mut twister = Self { state, next: SIZE };
        let mut place = 1;
        for step in 0..SIZE.max(key.len()) {
            let index = step % key.len();
            let mixed = twister.mix(place, 1_664_525);
            let added = key
                .get(index)
                .copied()
                .unwrap_or(0)
                .wrapping_add(u32::try_from(index).unwrap_or(0));
            place = twister.put(place, mixed.wrapping_add(added));
        }
        for _ in 1..SIZE {
            let mixed = twister.mix(place, 1_566_083_941);
            let index = u32::try_from(place).unwrap_or(0);
            place = twister.put(place, mixed.wrapping_sub(index));
        }
        if let Some(first) = twister.state.first_mut() {
            *first = 0x8000_0000;
        }
        twister
    }

    fn word(&self, index: usize) -> u32 {
        self.state.get(index % SIZE).copied().unwrap_or(0)
    }

    fn mix(&self, place: usize, factor: u32) -> u32 {
        let before = self.word(place + SIZE - 1);
        self.word(place) ^ (before ^ (before >> 30)).wrapping_mul(factor)
    }

    /// Stores a word and returns the next place; the last word goes round to the first.
    fn put(&mut self, place: usize, word: u32) -> usize {
        if let Some(slot) = self.state.get_mut(place) {
            *slot = word;
        }
        if place + 1 < SIZE {
            return place + 1;
        }
        if let Some(first) = self.state.first_mut() {
            *first = word;
        }
        1
    }

    fn draw(&mut self) -> u32 {
        if self.next >= SIZE {
            for index in 0..SIZE {
                let joined =
                    (self.word(index) & 0x8000_0000) | (self.word(index + 1) & 0x7fff_ffff);
                let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                let word = self.word(index + SHIFT) ^ (joined >> 1) ^ odd;
                if let Some(slot) = self.state.get_mut(index) {
                    *slot = word;
                }
            }
            self.next = 0;
        }
        let mut word = self.word(self.next);
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn bits(&mut self, bits: u32) -> usize {
        let mut number = 0usize;
        let mut done = 0;
        while done < bits {
            let take = (bits - done).min(32);
            let word = self.draw() >> (32 - take);
            number |= usize::try_from(word).unwrap_or(0) << done;
            done += 32;
        }
        number
    }
}

/// `random(start=None, step=None, seed=None)`: a number below this one, or an item.
pub(super) fn random(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["start", "step", "seed"], 0)?;
    let mut source = Source::new(arguments.get(2))?;
    let (start, step) = (arguments.optional_int(0)?, arguments.optional_int(1)?);
    if matches!(arguments.value.kind(), Kind::Int(_) | Kind::Bool(_)) {
        let (end, start) = (integer(&arguments.value)?, start.unwrap_or(0));
        let step = step.filter(|step| *step != 0).unwrap_or(1);
        let width = end.saturating_sub(start);
        let room = if step > 0 {
            (width + step - 1) / step
        } else {
            (width + step + 1) / step
        };
        let room = usize::try_from(room)
            .ok()
            .filter(|room| *room > 0)
            .ok_or_else(|| arguments.error("has nothing to choose from"))?;
        let chosen = i64::try_from(source.below(room)?).unwrap_or(0);
        return Ok(Value::from(start + step * chosen));
    }
    let items = iterate(&arguments.value)?;
    if start.is_some_and(|start| start != 0) || step.is_some_and(|step| step != 0) {
        return Err(arguments.error("takes `start` and `step` only with a number"));
    }
    if items.is_empty() {
        return Err(arguments.error("has nothing to choose from"));
    }
    let chosen = source.below(items.len())?;
    Ok(items.into_iter().nth(chosen).unwrap_or_default())
}

/// `shuffle(seed=None)`.
pub(super) fn shuffle(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["seed"], 0)?;
    let Ok(mut items) = iterate(&arguments.value) else {
        return Ok(arguments.value);
    };
    let mut source = Source::new(arguments.get(0).filter(|seed| seed.is_true()))?;
    for last in (1..items.len()).rev() {
        let other = source.below(last + 1)?;
        items.swap(last, other);
    }
    Ok(Value::list(items))
}
