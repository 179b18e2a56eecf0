//! Frames: four bytes of length (little endian), then one message in postcard's encoding.
//!
//! The other side may be hostile: a length beyond [`MAXIMUM_FRAME`] ends the conversation, memory grows only with what has
//! arrived, and deep nesting is refused by the values themselves.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest frame in bytes. Files travel in pieces, so that only a very large result comes near it.
pub const MAXIMUM_FRAME: usize = 64 << 20;

/// What is wrong with what arrived.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream failed or ended in the middle of a frame.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The length is beyond the limit.
    #[error("a frame of {0} bytes was announced; the limit is {MAXIMUM_FRAME}")]
    TooLarge(usize),
    /// The content is no message.
    #[error("a frame cannot be read: {0}")]
    Garbled(#[from] postcard::Error),
}

/// Returns the message with its length in front.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let frame = postcard::to_extend(message, vec![0; 4])?;
    fill_length(frame)
}

fn fill_length(mut frame: Vec<u8>) -> Result<Vec<u8>, FrameError> {
    let length = frame.len().saturating_sub(4);
    let announced = u32::try_from(length)
        .ok()
        .filter(|_| length <= MAXIMUM_FRAME)
        .ok_or(FrameError::TooLarge(length))?;
    for (place, byte) in frame.iter_mut().zip(announced.to_le_bytes()) {
        *place = byte;
    }
    Ok(frame)
}

/// Returns the message that a frame's content (without the length) holds.
pub fn decode<T: DeserializeOwned>(content: &[u8]) -> Result<T, FrameError> {
    Ok(postcard::from_bytes(content)?)
}

/// Writes one message and flushes.
pub fn write_frame(out: &mut impl Write, message: &impl Serialize) -> Result<(), FrameError> {
    out.write_all(&encode(message)?)?;
    out.flush()?;
    Ok(())
}

/// Reads one message; nothing at a clean end between two frames.
pub fn read_frame<T: DeserializeOwned>(input: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut length = [0; 4];
    let mut have = 0;
    while let Some(rest) = length.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MAXIMUM_FRAME {
        return Err(FrameError::TooLarge(length));
    }
    // `take` and `read_to_end` grow with what arrives, not with what was announced.
    let mut content = Vec::with_capacity(length.min(1 << 16));
    let got = input
        .take(u64::try_from(length).unwrap_or(0))
        .read_to_end(&mut content)?;
    if got < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    decode(&content).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Dict, Value};

    #[test]
    fn a_message_survives_the_way() {
        let value = Value::dict(Dict::new().with("a", vec![1, 2]).with("b", 1.5));
        let frame = encode(&value).unwrap();
        assert_eq!(
            read_frame::<Value>(&mut frame.as_slice()).unwrap(),
            Some(value)
        );
        assert_eq!(read_frame::<Value>(&mut [].as_slice()).unwrap(), None);
    }

    #[test]
    fn t22_a_length_beyond_the_limit_is_refused() {
        let error = read_frame::<Value>(&mut [0xff; 8].as_slice()).unwrap_err();
        assert!(matches!(error, FrameError::TooLarge(_)), "{error}");
    }

    #[test]
    fn t22_a_frame_that_ends_early_is_an_error() {
        let frame = encode(&Value::from("text")).unwrap();
        assert!(read_frame::<Value>(&mut frame.get(..frame.len() - 1).unwrap()).is_err());
        assert!(read_frame::<Value>(&mut frame.get(..2).unwrap()).is_err());
    }

    #[test]
    fn t22_deep_nesting_is_refused() {
        // Encoded by hand: no such value can be made.
        let mut content = Vec::new();
        for _ in 0..2_000_000 {
            content.extend([7, 1]); // a list of one item
        }
        assert!(matches!(
            decode::<Value>(&content),
            Err(FrameError::Garbled(_))
        ));
    }
}
