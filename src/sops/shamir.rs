//! Shamir's way of cutting a key into parts, over bytes (the field of AES), laid out as SOPS does: the values, and then the
//! place at which they were taken.

use std::io;

use crate::secrets::{Secret, random};

/// Multiplies in the field, in time that does not depend on the numbers.
fn multiply(left: u8, right: u8) -> u8 {
    (0..8).rev().fold(0u8, |product, bit| {
        let doubled = (product << 1) ^ ((product >> 7) * 0x1b);
        doubled ^ (((right >> bit) & 1) * left)
    })
}

/// Divides in the field: the inverse is the 254th power.
fn divide(left: u8, right: u8) -> u8 {
    (0..254).fold(left, |product, _| multiply(product, right))
}

/// Puts parts together; nothing where they do not fit one another.
pub(super) fn combine(parts: &[Secret]) -> Option<Secret> {
    let parts: Vec<(&u8, &[u8])> = parts
        .iter()
        .map(|part| part.expose().split_last())
        .collect::<Option<_>>()?;
    let (_, first) = parts.first()?;
    let fits = parts.iter().enumerate().all(|(at, (place, values))| {
        let twice = parts.iter().take(at).any(|(other, _)| other == place);
        !twice && **place != 0 && values.len() == first.len()
    });
    if !fits {
        return None;
    }
    let whole = (0..first.len())
        .map(|at| {
            parts.iter().try_fold(0u8, |sum, (place, values)| {
                let others = parts.iter().filter(|(other, _)| other != place);
                let weight = others.fold(1, |weight, (other, _)| {
                    multiply(weight, divide(**other, **place ^ **other))
                });
                Some(sum ^ multiply(*values.get(at)?, weight))
            })
        })
        .collect::<Option<Vec<u8>>>()?;
    Some(Secret::new(whole))
}

/// Cuts a secret into that many parts, of which `needed` give it back.
pub(super) fn split(secret: &[u8], count: usize, needed: usize) -> io::Result<Vec<Secret>> {
    let mut parts = vec![Vec::with_capacity(secret.len() + 1); count];
    for byte in secret {
        let mut polynomial = vec![*byte];
        for _ in 1..needed {
            let [random] = random::<1>()?;
            polynomial.push(random);
        }
        for (part, place) in parts.iter_mut().zip(1u8..) {
            let value = polynomial
                .iter()
                .rev()
                .fold(0, |value, factor| multiply(value, place) ^ factor);
            part.push(value);
        }
    }
    Ok(parts
        .into_iter()
        .zip(1u8..)
        .map(|(mut part, place)| {
            part.push(place);
            Secret::new(part)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_parts_give_the_secret() {
        let parts = split(b"secret key", 5, 3).unwrap();
        for chosen in [[0, 1, 2], [4, 2, 0], [1, 3, 4]] {
            let chosen: Vec<Secret> = chosen.iter().map(|at| parts[*at].clone()).collect();
            assert_eq!(combine(&chosen).unwrap().expose(), b"secret key");
        }
        assert_ne!(combine(&parts[..2]).unwrap().expose(), b"secret key");
        assert!(combine(&[parts[0].clone(), parts[0].clone()]).is_none());
    }

    #[test]
    fn the_field_is_that_of_aes() {
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(divide(0xc1, 0x83), 0x57);
    }
}
