//! Contents that a server sends packed with gzip, with a bound on what a few bytes may become.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

/// Up to here nobody asks how well a content was packed.
const UNSUSPICIOUS: u64 = 256 << 20;

/// How many bytes one byte may become on average beyond that. Gzip cannot do more than 1032; text and logs stay below 100.
const LARGEST_RATIO: u64 = 500;

/// Counts what is read through it.
struct Counted {
    inner: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Unpacks what it reads.
pub struct Unpacked {
    decoder: MultiGzDecoder<Counted>,
    packed: Arc<AtomicU64>,
    given: u64,
}

impl Unpacked {
    /// Unpacks what that reader gives.
    pub fn new(inner: Box<dyn Read + Send>) -> Self {
        let packed = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            inner,
            count: packed.clone(),
        };
        Self {
            decoder: MultiGzDecoder::new(counted),
            packed,
            given: 0,
        }
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer)?;
        self.given += read as u64;
        let packed = self.packed.load(Ordering::Relaxed);
        if self.given > UNSUSPICIOUS && self.given / LARGEST_RATIO > packed {
            return Err(io::Error::other(format!(
                "{packed} packed bytes have become {} already: this looks like a decompression bomb",
                self.given
            )));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn what_was_packed_comes_out() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"hello").unwrap();
        let packed = encoder.finish().unwrap();
        let mut text = String::new();
        Unpacked::new(Box::new(io::Cursor::new(packed)))
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "hello");
    }

    #[test]
    fn a_bomb_is_stopped() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![0; 1 << 20];
        for _ in 0..(UNSUSPICIOUS >> 20) + 8 {
            encoder.write_all(&zeros).unwrap();
        }
        let packed = encoder.finish().unwrap();
        let error = io::copy(
            &mut Unpacked::new(Box::new(io::Cursor::new(packed))),
            &mut io::sink(),
        )
        .unwrap_err();
        assert!(error.to_string().contains("bomb"), "{error}");
    }
}
