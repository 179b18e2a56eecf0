//! Keys and files by themselves; that `age` itself reads and writes the same is tested in `tests/it/sops.rs`.

use base64::Engine as _;

use super::*;

/// The published test key of the vectors.
fn identity() -> Identity {
    let encoded = include_str!("../../../tests/vectors/sops/getsops/age-key.txt.b64");
    let encoded: String = encoded.split_whitespace().collect();
    let text = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap();
    let text = String::from_utf8(text).unwrap();
    Identity::parse(text.lines().find(|line| !line.starts_with('#')).unwrap()).unwrap()
}

const RECIPIENT: &str = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";

#[test]
fn a_key_knows_its_public_half() {
    assert_eq!(identity().recipient().to_string(), RECIPIENT);
    assert_eq!(
        format!("{:?}", identity()),
        format!("Identity({RECIPIENT})")
    );
    assert_eq!(Recipient::parse(RECIPIENT).unwrap(), identity().recipient());
}

#[test]
fn what_is_sealed_opens_again() {
    for size in [0, 1, 65_536, 65_537, 131_072] {
        let plain = vec![7; size];
        let text = encrypt(&plain, &[identity().recipient()]).unwrap();
        let opened = decrypt(text.as_bytes(), &[identity()]).unwrap();
        assert_eq!(opened.expose(), plain, "{size}");
    }
}

#[test]
fn each_recipient_can_open_it_and_nobody_else() {
    let other = "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq";
    let other = Recipient::parse(other);
    let others = other.into_iter().collect::<Vec<_>>();
    let both = [others.clone(), vec![identity().recipient()]].concat();
    let text = encrypt(b"x", &both).unwrap();
    assert_eq!(
        decrypt(text.as_bytes(), &[identity()]).unwrap().expose(),
        b"x"
    );
    assert!(matches!(
        decrypt(text.as_bytes(), &[]),
        Err(AgeError::NoKey)
    ));
    assert!(matches!(encrypt(b"x", &[]), Err(AgeError::NoRecipient)));
}

#[test]
fn t20_every_changed_byte_is_noticed() {
    let text = encrypt(b"secret", &[identity().recipient()]).unwrap();
    let bytes = armor::decode(text.as_bytes()).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(decrypt(&changed, &[identity()]).is_err(), "byte {at}");
        assert!(decrypt(&bytes[..at], &[identity()]).is_err(), "cut at {at}");
    }
    assert!(decrypt(&bytes, &[identity()]).is_ok());
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(decrypt(&longer, &[identity()]).is_err());
}

#[test]
fn keys_that_are_none_say_why() {
    let said = |text: &str| Recipient::parse(text).unwrap_err().to_string();
    assert!(
        said("age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvuq")
            .contains("misspelled")
    );
    assert!(said("AGE-SECRET-KEY-1X").contains("must not stand here"));
    assert!(said("age1yubikey1abc").contains("plugins"));
    assert!(said("ssh-rsa AAAA").contains("RSA"));
    assert!(said("hello").contains("not an age key"));
    assert!(
        Identity::parse(RECIPIENT)
            .unwrap_err()
            .to_string()
            .contains("public key")
    );
    assert!(
        Identity::parse_ssh(
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
        )
        .is_err()
    );
}

#[test]
fn armor_keeps_to_its_form() {
    let text = encrypt(b"secret", &[identity().recipient()]).unwrap();
    assert!(armor::decode(format!("\n \n{text}\n\n").as_bytes()).is_ok());
    assert!(armor::decode(text.replace('\n', "\r\n").as_bytes()).is_ok());
    for wrong in [
        text.replace("END AGE", "END PGP"),
        format!("{text}x"),
        text.replacen('=', "", 1)
            .replacen("FILE-----\n", "FILE-----\n\n", 1),
    ] {
        assert!(armor::decode(wrong.as_bytes()).is_err(), "{wrong}");
    }
}
