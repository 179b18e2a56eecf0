//! The password hash `bcrypt`, for `password_hash` and the `password` lookup.

use blowfish::Blowfish;

const LETTERS: &[u8] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Letters of a salt: 16 bytes.
pub(super) const SALT_LENGTH: usize = 22;
/// How much of a password counts.
const LONGEST: usize = 72;
/// What is encrypted again and again.
const TEXT: [u32; 6] = [
    0x4f72_7068,
    0x6561_6e42,
    0x6568_6f6c,
    0x6465_7253,
    0x6372_7944,
    0x6f75_6274,
];

/// Returns the hash in the form of `crypt(3)`, or nothing where the salt is none. The bits that the salt's last letter has too
/// many are cleared.
pub(super) fn hash(password: &[u8], salt: &str, cost: u32, variant: &str) -> Option<String> {
    if salt.len() != SALT_LENGTH {
        return None;
    }
    let bytes = decode(salt.as_bytes())?;
    let mut key = password.to_vec();
    key.push(0);
    key.truncate(LONGEST);
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(&bytes, &key);
    for _ in 0..1u64 << cost {
        state.bc_expand_key(&key);
        state.bc_expand_key(&bytes);
    }
    let mut result = Vec::with_capacity(24);
    for pair in TEXT.chunks_exact(2) {
        let mut block: [u32; 2] = pair.try_into().ok()?;
        for _ in 0..64 {
            block = state.bc_encrypt(block);
        }
        result.extend(block.iter().flat_map(|word| word.to_be_bytes()));
    }
    // The last byte has never been part of it.
    result.pop();
    Some(format!(
        "${variant}${cost:02}${}{}",
        encode(&bytes),
        encode(&result)
    ))
}

fn decode(letters: &[u8]) -> Option<Vec<u8>> {
    let mut bits = 0u32;
    let mut count = 0;
    let mut bytes = Vec::with_capacity(16);
    for letter in letters {
        let value = LETTERS.iter().position(|known| known == letter)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn encode(bytes: &[u8]) -> String {
    let mut letters = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, index| {
            bits << 8 | u32::from(group.get(index).copied().unwrap_or(0))
        });
        for index in 0..=group.len() {
            let value = usize::try_from(bits >> (18 - 6 * index) & 0x3f).unwrap_or(0);
            letters.extend(LETTERS.get(value).map(|letter| char::from(*letter)));
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn hashes_are_those_of_the_reference() {
        let long = "grüße".repeat(12);
        for (password, salt, cost, expected) in [
            (
                "hey",
                "abcdefghijklmnopqrstuv",
                4,
                "$2b$04$abcdefghijklmnopqrstuuSsOHTplB6V9WPXwZogVh/FBOFmKcI22",
            ),
            (
                "secret",
                "CCCCCCCCCCCCCCCCCCCCC.",
                5,
                "$2b$05$CCCCCCCCCCCCCCCCCCCCC.pIKrLVkBX9/OvQMSygY1pWEVn72t6na",
            ),
            (
                &long,
                "abcdefghijklmnopqrstuu",
                4,
                "$2b$04$abcdefghijklmnopqrstuu7gHts6hMYyl0IO7f5zflQ8Q4qnp3tAy",
            ),
        ] {
            assert_eq!(
                hash(password.as_bytes(), salt, cost, "2b").unwrap(),
                expected
            );
        }
        assert_eq!(hash(b"x", "short", 4, "2b"), None);
    }
}
