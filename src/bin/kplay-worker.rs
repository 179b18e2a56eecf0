//! The program that kplay sends to hosts; all it does is in [`kplay::worker`].

fn main() -> std::process::ExitCode {
    kplay::worker::run(std::env::args().skip(1)).into()
}
