//! Random bytes, and bytes as text.

use std::fmt::Write;
use std::io;

/// Fills a buffer with random bytes from the kernel.
pub(super) fn fill_random(buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(())
}

/// Returns lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_differ_and_hexadecimal_is_padded() {
        let mut buffers = [[0_u8; 32]; 2];
        for buffer in &mut buffers {
            fill_random(buffer).unwrap();
        }
        assert_ne!(buffers[0], buffers[1]);
        assert_eq!(hex(&[0, 15, 255]), "000fff");
    }
}
