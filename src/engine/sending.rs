//! Contents on their way to a host that asked for them. [`super::link`] calls this, in a task for each question.

use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;

use super::contents::Stored;
use super::run_state::RunState;
use crate::wire::{Order, encode};

/// How much of a file travels in one frame.
const PIECE: usize = 1 << 18;

/// Sends what is stored to whoever asked under that number, in pieces, or says why not.
pub(super) async fn send_content(
    request: u64,
    stored: Option<Stored>,
    frames: mpsc::Sender<Vec<u8>>,
    run: Arc<RunState>,
) {
    let sent = async {
        let send = async |piece: Vec<u8>, last: bool| {
            let frame =
                encode(&Order::Content(request, piece, last)).map_err(|error| error.to_string())?;
            frames
                .send(frame)
                .await
                .map_err(|_| "the host is gone".to_owned())
        };
        match stored.ok_or_else(|| "the controller has no such content".to_owned())? {
            Stored::Bytes(bytes) => {
                for piece in bytes.chunks(PIECE) {
                    send(piece.to_vec(), false).await?;
                }
                send(Vec::new(), true).await
            }
            Stored::Sum(version) => {
                let sum = tokio::task::spawn_blocking(move || run.contents.hash(&version))
                    .await
                    .map_err(|error| error.to_string())
                    .flatten()?;
                send(sum.as_bytes().to_vec(), true).await
            }
            Stored::File(version) => {
                let path = version.path.clone();
                let refused =
                    |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
                let limit = version.size.saturating_add(1);
                if usize::try_from(limit).is_ok_and(|limit| limit < PIECE) {
                    let read = {
                        let path = path.clone();
                        move || read_small(&path, limit)
                    };
                    let piece = tokio::task::spawn_blocking(read)
                        .await
                        .map_err(std::io::Error::other)
                        .flatten()
                        .map_err(refused)?;
                    return send(piece, true).await;
                }
                let mut left = limit;
                let mut file = tokio::fs::File::open(&path).await.map_err(refused)?;
                loop {
                    let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
                    let mut piece = vec![0; wanted];
                    let mut have = 0;
                    while let Some(rest) = piece.get_mut(have..).filter(|rest| !rest.is_empty()) {
                        match file.read(rest).await.map_err(refused)? {
                            0 => break,
                            count => have += count,
                        }
                    }
                    piece.truncate(have);
                    left = left.saturating_sub(u64::try_from(have).unwrap_or(u64::MAX));
                    let last = have < wanted || left == 0;
                    if last && !version.is(&file.metadata().await.map_err(refused)?) {
                        return Err(format!("`{}` changed while it was sent", path.display()));
                    }
                    send(piece, last).await?;
                    if last {
                        return Ok(());
                    }
                }
            }
        }
    }
    .await;
    if let Err(why) = sent
        && let Ok(frame) = encode(&Order::Refused(request, why))
    {
        let _ = frames.send(frame).await;
    }
}

fn read_small(path: &std::path::Path, limit: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut content = Vec::with_capacity(usize::try_from(limit).unwrap_or(0));
    std::fs::File::open(path)?
        .take(limit)
        .read_to_end(&mut content)?;
    Ok(content)
}
