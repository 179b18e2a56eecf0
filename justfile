# `just` lists these. Each is plain cargo or a script of this tree; nothing needs just.

[private]
default:
    @just --list --unsorted

# Format everything
[group('code')]
fmt:
    cargo fmt

# Lint as strictly as the tests of a change do
[group('code')]
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Run the tests that need no host
[group('test')]
test *arguments:
    cargo test {{ arguments }}

# Work with the lab of real hosts (root on Debian): `just lab up`, `just lab status`
[group('test')]
lab *arguments='status':
    tests/lab/lab {{ arguments }}

# Compare with ansible-core's recorded answers
[group('test')]
oracle *cases:
    tests/oracle/run {{ cases }}

# Review changed snapshots (needs cargo-insta)
[group('test')]
snap:
    cargo insta review

# Write the generated pages of docs/reference anew
[group('docs')]
docs:
    KPLAY_REGENERATE=1 cargo test --test it reference

# Build both programs as they are handed out: the worker small, the controller fast
[group('release')]
package *directory:
    packaging/build {{ directory }}

# Check licences, bans and sources of the dependencies (needs cargo-deny)
[group('release')]
deny:
    cargo deny check licenses bans sources

# Everything that must hold before a change counts (root on Debian)
[group('release')]
ci:
    .ci/run
